using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl keygen</c>: a key pair for signing bundles.</summary>
internal static class KeygenCommand
{
    private const int RsaBits = 3072;

    public static Command Create(CliHost host)
    {
        var name = new Argument<string>("key-id") { Description = "A name for the key; signatures carry it." };
        var folder = new Option<string>("--out", "-o") { Description = "The folder to write to.", DefaultValueFactory = _ => "." };
        var algorithm = new Option<string>("--algorithm", "-a") { Description = "ecdsa (P-256) or rsa (3072 bits, PSS).", DefaultValueFactory = _ => "ecdsa" };
        algorithm.AcceptOnlyFromAmong("ecdsa", "rsa");
        var trust = new Option<string?>("--trust") { Description = "Also write a first trust root with this one key to this file.", HelpName = "file" };
        var force = new Option<bool>("--force") { Description = "Replace files that are there." };
        var command = new Command("keygen", "Make a key pair for signing bundles: KEY-ID.key.pem (private) and KEY-ID.pub.pem.")
        {
            name, folder, algorithm, trust, force,
        };
        return command.Does(host, async (context, cancellationToken) =>
        {
            var keyId = context.Get(name);
            if (!Names.IsValid(keyId))
            {
                throw CliException.Usage(Names.Check(keyId, "The key id")!.Message);
            }

            var isRsa = context.Get(algorithm) == "rsa";
            using AsymmetricAlgorithm key = isRsa ? RSA.Create(RsaBits) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var privateFile = Path.Combine(context.Get(folder)!, keyId + ".key.pem");
            var publicFile = Path.Combine(context.Get(folder)!, keyId + ".pub.pem");
            var replace = context.Get(force);
            if (!replace && File.Exists(publicFile))
            {
                throw CliException.File($"{publicFile} is there already; --force replaces it.");
            }

            Directory.CreateDirectory(context.Get(folder)!);
            await CliFiles.WriteSecretAsync(privateFile, key.ExportPkcs8PrivateKeyPem() + "\n", replace, cancellationToken);
            var publicPem = key.ExportSubjectPublicKeyInfoPem() + "\n";
            await CliFiles.WriteAsync(publicFile, System.Text.Encoding.UTF8.GetBytes(publicPem), cancellationToken);
            var label = isRsa ? "RSA-PSS-SHA256" : "ECDSA-P256-SHA256";
            if (context.Get(trust) is { } trustFile)
            {
                if (!replace && File.Exists(trustFile))
                {
                    throw CliException.File($"{trustFile} is there already; --force replaces it.");
                }

                var root = new TrustRoot { Keys = [new TrustKey(keyId, label, publicPem)] };
                await CliFiles.WriteAsync(trustFile, JsonSerializer.SerializeToUtf8Bytes(root, PolicyJson.Options), cancellationToken);
            }

            context.Output.Answer(
                new { KeyId = keyId, Algorithm = label, PrivateKeyFile = privateFile, PublicKeyFile = publicFile, TrustFile = context.Get(trust) },
                o => o.Facts(
                    ("key id", keyId), ("algorithm", label), ("private key", privateFile + "  (keep it secret)"),
                    ("public key", publicFile), ("trust root", context.Get(trust))));
            return ExitCodes.Ok;
        });
    }
}
