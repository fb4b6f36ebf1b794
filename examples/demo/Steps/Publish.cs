namespace OrleansPolicy.Demo.Steps;

/// <summary>Signs an example and publishes it, when the update limit allows.</summary>
internal sealed class Publish(string name, string example) : IDemoStep
{
    public string Title => $"sign and publish {name}";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var signed = world.InFolder(Path.GetFileNameWithoutExtension(example) + ".signed.json");
        await world.Tool.RunAsync(
            world.KeyOf("ci"), cancellationToken, "bundle", "sign", world.Example(example), "--signing-key", "release.key.pem", "--out", signed);
        var verified = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "verify", signed);
        DemoFailureException.Unless(verified.GetProperty("valid").GetBoolean(), "The control plane does not accept the signature.");
        var published = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "push", signed, "--wait");
        var hash = published.GetProperty("policy_hash").GetString()!;
        DemoFailureException.Unless(hash == verified.GetProperty("policy_hash").GetString(), "The published hash is another one.");
        world.Hashes[name] = hash;
        return $"{published.GetProperty("version").GetString()}, {published.GetProperty("rules").GetInt32()} rules, {hash[..12]}";
    }
}
