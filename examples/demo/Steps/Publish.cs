using System.Text.Json.Nodes;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Signs an example and publishes it, when the update limit allows.</summary>
internal sealed class Publish(string name, string example, string? version = null) : IDemoStep
{
    public string Title => $"sign and publish {name}";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var content = await ContentAsync(world, cancellationToken);
        var signed = Path.ChangeExtension(world.InFolder(Path.GetFileName(content)), ".signed.json");
        await world.Tool.RunAsync(
            world.KeyOf("ci"), cancellationToken, "bundle", "sign", content, "--signing-key", "release.key.pem", "--out", signed);
        var verified = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "verify", signed);
        DemoFailureException.Unless(verified.GetProperty("valid").GetBoolean(), "The control plane does not accept the signature.");
        var published = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "push", signed, "--wait");
        var hash = published.GetProperty("policy_hash").GetString()!;
        DemoFailureException.Unless(hash == verified.GetProperty("policy_hash").GetString(), "The published hash is another one.");
        world.Hashes[name] = hash;
        return $"{published.GetProperty("version").GetString()}, {published.GetProperty("rules").GetInt32()} rules, {hash[..12]}";
    }

    /// <summary>The example as it is, or, for a version of its own, with that and a newer number.</summary>
    private async Task<string> ContentAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        if (version is null)
        {
            return world.Example(example);
        }

        var bundle = JsonNode.Parse(await File.ReadAllTextAsync(world.Example(example), cancellationToken))!;
        var metadata = bundle["metadata"]!;
        metadata["version"] = version;
        metadata["sequence"] = Version.Parse(version).Minor + 1;
        var file = world.InFolder($"policy.{version}.json");
        await File.WriteAllTextAsync(file, bundle.ToJsonString(), cancellationToken);
        return file;
    }
}
