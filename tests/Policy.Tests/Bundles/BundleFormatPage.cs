using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Policy.Tests.Bundles;

/// <summary>The blocks of docs/BUNDLE_FORMAT.md, as they stand there.</summary>
internal static partial class BundleFormatPage
{
    private static readonly (string Language, string Text)[] Blocks =
        [.. Block().Matches(Encoding.UTF8.GetString(Repository.Read("docs/BUNDLE_FORMAT.md"))).Select(m => (m.Groups[1].Value, m.Groups[2].Value))];

    public static string PrivatePem => Single("pem", "-----BEGIN PRIVATE KEY");

    public static string PublicPem => Single("pem", "-----BEGIN PUBLIC KEY");

    public static string Bundle => Blocks.Single(b => b.Language == "json" && b.Text.Contains("\"hello\", \"version\"", StringComparison.Ordinal)).Text;

    public static string Canonical => Single("text", "{\"metadata\":{").TrimEnd();

    /// <summary>The pre-authentication encoding.</summary>
    public static byte[] Encoded => Convert.FromHexString(Single("text", "445353457631").ReplaceLineEndings(""));

    public static string PolicyHash => Hashes[0];

    public static string EncodedHash => Hashes[1];

    public static JsonNode Signature => JsonNode.Parse(Single("json", "{\"key_id\": \"docs\""))!;

    public static string OpensslScript => Single("bash", "type=");

    public static string OpensslRsaScript => Single("bash", "openssl dgst -sha256 -sign rsa.pem");

    public static string PythonSigner => Single("python", "import");

    private static string[] Hashes => [.. Blocks.Select(b => b.Text.Trim()).Where(text => text.Length == 64)];

    private static string Single(string language, string start) =>
        Blocks.Single(b => b.Language == language && b.Text.StartsWith(start, StringComparison.Ordinal)).Text;

    [GeneratedRegex("```([a-z]+)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
