using System.CommandLine;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Yaml;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl bundle</c>: test, review, sign, verify, publish and list policy bundles.</summary>
internal static class BundleCommands
{
    public static Command Create(CliHost host) => new("bundle", "Test, review, sign, verify, publish and list policy bundles.")
    {
        BundleTestCommand.Create(host), BundleDiffCommand.Create(host), BundleLintCommand.Create(host), Sign(host), Verify(host), FromYaml(host), Push(host), List(host), Get(host),
    };

    private static Argument<string> FileArgument() => new("file") { Description = "The bundle as JSON; - is standard input." };

    private static Command Sign(CliHost host)
    {
        var file = FileArgument();
        var (key, keyId) = (SigningOptions.KeyFile(), SigningOptions.KeyId());
        var target = new Option<string?>("--out", "-o") { Description = "Where to write the signed bundle (default: in place)." };
        return new Command("sign", "Sign a bundle; signatures by other keys stay.") { file, key, keyId, target }.Does(host, async (context, cancellationToken) =>
        {
            var path = context.Get(file);
            var json = await CliFiles.ReadAsync(path, host, cancellationToken);
            var signer = context.Required(key);
            var id = SigningOptions.KeyIdOf(context.Get(keyId), signer);
            using var privateKey = await CliFiles.ReadPrivateKeyAsync(signer, host, cancellationToken);
            var signed = SignWith(json, id, privateKey, signer);
            if (!signed.Succeeded)
            {
                context.Output.Error("cli.bundle_invalid", $"{path} is no valid bundle.", signed.Problems);
                return ExitCodes.No;
            }

            var to = context.Get(target) ?? path;
            if (to == "-")
            {
                context.Output.Line(System.Text.Encoding.UTF8.GetString(signed.Value));
                return ExitCodes.Ok;
            }

            await CliFiles.WriteAsync(to, signed.Value, cancellationToken);
            var bundle = BundleReader.Read(signed.Value, BundleReadOptions.Default).Value!;
            context.Output.Answer(
                new { File = to, bundle.PolicyHash, bundle.Metadata.Version, KeyId = id },
                o => o.Facts(("signed", to), ("version", bundle.Metadata.Version), ("policy hash", bundle.PolicyHash), ("by key", id)));
            return ExitCodes.Ok;
        });
    }

    private static Command Verify(CliHost host)
    {
        var file = FileArgument();
        var trust = new Option<string?>("--trust") { Description = "Verify here, against this trust root, without a control plane.", HelpName = "file" };
        return new Command("verify", "Check a bundle and its signatures; stores nothing.") { file, trust }.Does(host, async (context, cancellationToken) =>
        {
            var json = await CliFiles.ReadAsync(context.Get(file), host, cancellationToken);
            var verdict = context.Get(trust) is { } trustFile
                ? VerifyHere(json, await CliFiles.ReadJsonAsync<TrustRoot>(trustFile, host, cancellationToken))
                : await context.Client.VerifyAsync(json, cancellationToken);
            context.Output.Answer(verdict, o => Print(o, verdict));
            return verdict.Valid ? ExitCodes.Ok : ExitCodes.No;
        });
    }

    private static Command FromYaml(CliHost host)
    {
        var file = new Argument<string>("file") { Description = "The policy file in YAML: it becomes the document." };
        var target = new Option<string?>("--out", "-o") { Description = "Where to write the bundle (default: standard output)." };
        var yaml = new YamlBundleOptions();
        var command = new Command("from-yaml", "Make a policy file in YAML a bundle of a document, signed where a key is given.") { file, target };
        yaml.AddTo(command);
        return command.Does(host, async (context, cancellationToken) =>
        {
            var json = await yaml.MakeAsync(context, context.Get(file), cancellationToken);
            if (context.Get(target) is not { } path)
            {
                context.Output.Line(System.Text.Encoding.UTF8.GetString(json).TrimEnd());
                return ExitCodes.Ok;
            }

            await CliFiles.WriteAsync(path, json, cancellationToken);
            var (policyHash, documentHash) = YamlBundleOptions.HashesOf(json);
            context.Output.Answer(
                new { File = path, PolicyHash = policyHash, DocumentHash = documentHash },
                o => o.Facts(("written", path), ("policy hash", policyHash), ("document hash", documentHash)));
            return ExitCodes.Ok;
        });
    }

    private static Command Push(CliHost host)
    {
        var file = FileArgument();
        var wait = Waiting.Option();
        var yaml = new YamlBundleOptions();
        var command = new Command("push", "Publish a signed bundle; a policy file in YAML is made a bundle of a document and signed first.") { file, wait };
        yaml.AddTo(command);
        return command.Does(host, async (context, cancellationToken) =>
        {
            var path = context.Get(file);
            var isYaml = YamlJson.IsYamlName(path);
            if (isYaml != yaml.IsSigned(context))
            {
                throw CliException.Usage(isYaml ? "A YAML file is signed as it is published: give --signing-key." : "A bundle as JSON is signed by 'bundle sign'.");
            }

            var json = isYaml ? await yaml.MakeAsync(context, path, cancellationToken) : await CliFiles.ReadAsync(path, host, cancellationToken);
            var published = await Waiting.ForAdmissionAsync(
                context, context.Get(wait), client => client.PublishAsync(json, null, cancellationToken), cancellationToken);
            context.Output.Answer(published, o => o.Facts(
                ("version", published.Version), ("policy hash", published.PolicyHash), ("document hash", published.DocumentHash),
                ("bundle id", published.BundleId), ("rules", Cli.Show.Number(published.Rules)), ("state", published.State)));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host) => new Command("ls", "The tenant's bundles, newest first.").Does(host, async (context, cancellationToken) =>
    {
        var bundles = await context.Client.ListBundlesAsync(cancellationToken);
        context.Output.Answer(bundles, o =>
        {
            var table = Cli.Show.Table("version", "policy hash", "kind", "rules", "bundle id", "published", "by");
            foreach (var b in bundles)
            {
                table.Row(
                    b.Version, Cli.Show.Hash(b.PolicyHash), b.Kind, Cli.Show.Number(b.Rules), b.BundleId, Cli.Show.Time(b.PublishedAt), b.PublishedBy);
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Get(CliHost host)
    {
        var reference = new Argument<string>("ref") { Description = "A hash, a version, tag:NAME or tag:NAME@FLEET." };
        var target = new Option<string?>("--out", "-o") { Description = "Where to write it (default: standard output)." };
        return new Command("get", "A bundle as it was published.") { reference, target }.Does(host, async (context, cancellationToken) =>
        {
            var content = await context.Client.GetContentAsync(context.Get(reference), cancellationToken);
            if (context.Get(target) is { } path)
            {
                await CliFiles.WriteAsync(path, content, cancellationToken);
            }
            else
            {
                context.Output.Line(System.Text.Encoding.UTF8.GetString(content));
            }

            return ExitCodes.Ok;
        });
    }

    private static Outcome<byte[]> SignWith(byte[] json, string keyId, System.Security.Cryptography.AsymmetricAlgorithm key, string keyFile)
    {
        try
        {
            return BundleSigner.TrySign(json, keyId, key);
        }
        catch (Exception e) when (e is ArgumentException or System.Security.Cryptography.CryptographicException)
        {
            throw CliException.File($"{keyFile} cannot sign: {e.Message}");
        }
    }

    private static BundleVerdict VerifyHere(byte[] json, TrustRoot root)
    {
        var trusted = TrustRoots.Validate(root);
        var verified = trusted.Succeeded
            ? BundleVerifier.Verify(json, trusted.Value, new BundleReadOptions(), SigningUse.Publish)
            : trusted.As<Bundle>();
        return verified.Value is { } bundle
            ? new BundleVerdict(true, bundle.PolicyHash, bundle.Metadata.Version, bundle.Metadata.BundleId, [])
            : new BundleVerdict(false, null, null, null, verified.Problems);
    }

    private static void Print(CliOutput output, BundleVerdict verdict)
    {
        output.Facts(
            ("valid", verdict.Valid ? "yes" : "no"), ("version", verdict.Version), ("policy hash", verdict.PolicyHash), ("bundle id", verdict.BundleId));
        output.Problems(verdict.Errors);
    }
}
