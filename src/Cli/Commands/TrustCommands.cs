using System.CommandLine;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl trust</c>: whose signatures count.</summary>
internal static class TrustCommands
{
    public static Command Create(CliHost host) => new("trust", "Whose signatures count.")
    {
        Set(host), Show(host), Sign(host), Hash(host),
    };

    private static Argument<string> FileArgument() => new("file") { Description = "A trust root as JSON (keygen --trust writes a first one)." };

    private static Command Set(CliHost host)
    {
        var file = FileArgument();
        var accept = new Option<bool>("--accept-affected")
        {
            Description = "Set it although fleets are assigned bundles that it verifies no longer (they are listed without this).",
        };
        return new Command("set", "Set the tenant's first trust root, or follow it by the next.") { file, accept }.Does(host, async (context, cancellationToken) =>
        {
            var root = await CliFiles.ReadJsonAsync<TrustRoot>(context.Get(file), host, cancellationToken);
            var set = await context.Client.SetTrustAsync(root, null, context.Get(accept), cancellationToken);
            context.Output.Answer(set, o => Print(o, set));
            return ExitCodes.Ok;
        });
    }

    private static Command Show(CliHost host)
    {
        var version = new Option<int?>("--version-number", "-n") { Description = "Which version (default: the newest)." };
        return new Command("show", "Show a trust root.") { version }.Does(host, async (context, cancellationToken) =>
        {
            var root = await context.Client.FindTrustAsync(context.Get(version), cancellationToken);
            if (root is null)
            {
                context.Output.Error("trust.unknown", "There is no such trust root.");
                return ExitCodes.No;
            }

            context.Output.Answer(root, o => Print(o, root));
            return ExitCodes.Ok;
        });
    }

    private static Command Sign(CliHost host)
    {
        var file = FileArgument();
        var (key, keyId) = (SigningOptions.KeyFile(), SigningOptions.KeyId());
        return new Command("sign", "Sign a next trust root, in place: the threshold of the old root and of the new must.") { file, key, keyId }
            .Does(host, async (context, cancellationToken) =>
            {
                var root = await CliFiles.ReadJsonAsync<TrustRoot>(context.Get(file), host, cancellationToken);
                var signer = context.Required(key);
                using var privateKey = await CliFiles.ReadPrivateKeyAsync(signer, host, cancellationToken);
                var signed = TrustRoots.Sign(root, SigningOptions.KeyIdOf(context.Get(keyId), signer), privateKey);
                await CliFiles.WriteAsync(context.Get(file), JsonSerializer.SerializeToUtf8Bytes(signed, PolicyJson.Options), cancellationToken);
                context.Output.Answer(signed, o => Print(o, signed));
                return ExitCodes.Ok;
            });
    }

    private static Command Hash(CliHost host)
    {
        var file = FileArgument();
        return new Command("hash", "The hash of a trust root: what an agent can be given to pin it.") { file }.Does(host, async (context, cancellationToken) =>
        {
            var root = await CliFiles.ReadJsonAsync<TrustRoot>(context.Get(file), host, cancellationToken);
            var valid = TrustRoots.Validate(root);
            if (!valid.Succeeded)
            {
                context.Output.Error("cli.trust_invalid", "The trust root is not valid.", valid.Problems);
                return ExitCodes.No;
            }

            var hash = TrustRoots.Hash(valid.Value);
            context.Output.Answer(new { Sha256 = hash }, o => o.Line(hash));
            return ExitCodes.Ok;
        });
    }

    private static void Print(CliOutput output, TrustRoot root)
    {
        output.Facts(("version", root.Version.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("threshold", $"{root.Threshold} of {root.Keys.Length}"));
        var table = Cli.Show.Table("key id", "algorithm", "state");
        foreach (var key in root.Keys)
        {
            table.Row(key.KeyId, key.Algorithm, Cli.Show.Word(key.State));
        }

        output.Table(table);
    }
}
