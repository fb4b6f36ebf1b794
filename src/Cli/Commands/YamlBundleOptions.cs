using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Bundles;
using OrleansPolicy.Yaml;

namespace OrleansPolicy.Cli.Commands;

/// <summary>A YAML policy file as a bundle of a document: the file becomes the document, these options the rest.</summary>
internal sealed class YamlBundleOptions
{
    private readonly Option<string?> _version = new("--bundle-version") { Description = "YAML: the bundle's version (SemVer)." };
    private readonly Option<string?> _id = new("--bundle-id") { Description = "YAML: the bundle's id (default: the file's name)." };
    private readonly Option<string> _issuer = new("--issuer") { Description = "YAML: who issues it.", DefaultValueFactory = _ => "policyctl" };
    private readonly Option<long?> _sequence = new("--sequence") { Description = "YAML: its sequence number." };
    private readonly Option<string?> _schema = new("--schema") { Description = "YAML: a JSON Schema, as JSON or YAML, that the document must satisfy.", HelpName = "file" };
    private readonly Option<DateTimeOffset?> _issuedAt = new("--issued-at") { Description = "YAML: when it was issued (default: now); give it for the same policy hash each time.", HelpName = "time" };
    private readonly Option<DateTimeOffset?> _expiresAt = new("--expires-at") { Description = "YAML: when it expires.", HelpName = "time" };
    private readonly Option<string?> _key = new("--signing-key", "-k") { Description = "YAML: the private key as PEM (keygen writes one).", HelpName = "file" };
    private readonly Option<string?> _keyId = SigningOptions.KeyId();

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_version, _id, _issuer, _sequence, _schema, _issuedAt, _expiresAt, _key, _keyId])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Whether one of them was given, which makes sense for YAML only.</summary>
    public bool IsSigned(CliContext context) => context.Get(_key) is not null;

    /// <summary>The bundle, signed where there is a key.</summary>
    public async Task<byte[]> MakeAsync(CliContext context, string path, CancellationToken cancellationToken)
    {
        var document = await ReadAsync(context, path, cancellationToken);
        var metadata = new JsonObject
        {
            ["bundle_id"] = context.Get(_id) ?? Path.GetFileNameWithoutExtension(path),
            ["version"] = context.Get(_version) ?? throw CliException.Usage("A YAML file says nothing of its version: give --bundle-version."),
            ["issued_at"] = AsText(context.Get(_issuedAt) ?? DateTimeOffset.UtcNow),
            ["issuer"] = context.Get(_issuer),
            ["kind"] = "document",
        };
        if (context.Get(_sequence) is { } sequence)
        {
            metadata["sequence"] = sequence;
        }

        if (context.Get(_expiresAt) is { } expiresAt)
        {
            metadata["expires_at"] = AsText(expiresAt);
        }

        var bundle = new JsonObject { ["metadata"] = metadata, ["document"] = document };
        if (context.Get(_schema) is { } schema)
        {
            bundle["schema"] = YamlJson.IsYamlName(schema)
                ? await ReadAsync(context, schema, cancellationToken)
                : await CliFiles.ReadJsonAsync<JsonNode>(schema, context.Host, cancellationToken);
        }

        bundle["signatures"] = new JsonArray();
        var json = Encoding.UTF8.GetBytes(bundle.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n");
        return context.Get(_key) is { } key ? await SignAsync(context, path, json, key, cancellationToken) : Check(path, json);
    }

    /// <summary>The hashes of a bundle of a document, signed or not.</summary>
    public static (string PolicyHash, string DocumentHash) HashesOf(byte[] json)
    {
        var bundle = JsonNode.Parse(json)!.AsObject();
        bundle.Remove("signatures");
        return (HashOf(bundle), HashOf(bundle["document"]));
    }

    private static string HashOf(JsonNode? value) =>
        CanonicalJson.Hash(CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(value?.ToJsonString() ?? "null")));

    private async Task<byte[]> SignAsync(CliContext context, string path, byte[] json, string keyFile, CancellationToken cancellationToken)
    {
        var id = SigningOptions.KeyIdOf(context.Get(_keyId), keyFile);
        using var key = await CliFiles.ReadPrivateKeyAsync(keyFile, context.Host, cancellationToken);
        try
        {
            var signed = BundleSigner.TrySign(json, id, key);
            return signed.Succeeded ? signed.Value : throw Invalid(path, signed.Problems[0]);
        }
        catch (Exception e) when (e is ArgumentException or System.Security.Cryptography.CryptographicException)
        {
            throw CliException.File($"{keyFile} cannot sign: {e.Message}");
        }
    }

    private static byte[] Check(string path, byte[] json)
    {
        var read = BundleReader.Read(json, BundleReadOptions.Default);

        // That nobody signed it yet is no fault of the file.
        return read.Succeeded || read.Problems.All(problem => problem.Code == "bundle.unsigned") ? json : throw Invalid(path, read.Problems[0]);
    }

    private static async Task<JsonNode?> ReadAsync(CliContext context, string path, CancellationToken cancellationToken)
    {
        var json = YamlJson.Convert(await CliFiles.ReadAsync(path, context.Host, cancellationToken));
        return json.Succeeded ? JsonNode.Parse(json.Value) : throw Invalid(path, json.Problems[0]);
    }

    private static CliException Invalid(string path, Problem problem) => new(ExitCodes.No, problem.Code, $"{path}: {problem.Message}");

    private static string AsText(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
