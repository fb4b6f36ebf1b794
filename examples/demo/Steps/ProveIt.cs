using System.Text.Json;

namespace OrleansPolicy.Demo.Steps;

/// <summary>What is true at the end: the whole fleet, every decision, and a record that nobody changed.</summary>
internal sealed class ProveIt(string name, IReadOnlyList<string> codes) : IDemoStep
{
    public string Title => "the proof: nodes, decisions, audit";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var (hash, nodes) = (world.Hashes[name], world.Agents.Nodes);
        var proof = await world.Tool.RunAsync(
            world.KeyOf("alice"), cancellationToken, "fleet", "convergence", DemoWorld.Fleet, "--hash", hash, "--within", "20");
        DemoFailureException.Unless(proof.GetProperty("on_hash").GetInt32() == nodes.Length, "The fleet has not converged.");
        DemoFailureException.Unless(world.Agents.CountOn(hash) == nodes.Length, "A node runs something else.");
        DemoFailureException.Unless(
            world.Load.WrongCount == 0, $"{world.Load.WrongCount} of {world.Load.Decisions} decisions were wrong, such as: {string.Join("; ", world.Load.Wrong)}");

        await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "audit", "verify");
        var export = await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "audit", "ls", "--all");
        await File.WriteAllTextAsync(world.InFolder("audit.json"), export.GetRawText(), cancellationToken);
        var offline = await world.Tool.RunAsync(world.KeyOf("alice"), cancellationToken, "audit", "verify", "--file", world.InFolder("audit.json"));
        var told = export.EnumerateArray().Where(e => e.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.String)
            .Select(e => e.GetProperty("code").GetString()).Where(code => code!.StartsWith("RWG-", StringComparison.Ordinal)).ToArray();
        DemoFailureException.Unless(told.SequenceEqual(codes), $"The audit tells of {string.Join(", ", told)}.");
        return $"{nodes.Length} nodes; {world.Load.Decisions} decisions, none wrong or refused; {offline.GetProperty("entries").GetInt64()} audit entries verified offline";
    }
}
