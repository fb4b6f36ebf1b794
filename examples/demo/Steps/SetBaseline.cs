using System.Diagnostics;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Gives the fleet its first bundle, and proves that every node runs it.</summary>
internal sealed class SetBaseline(string name) : IDemoStep
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(20);

    public string Title => $"{name} becomes the baseline";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var hash = world.Hashes[name];
        await world.Tool.RunAsync(
            world.KeyOf("alice"), cancellationToken, "fleet", "baseline", DemoWorld.Fleet, hash, "--reason", "the gateway's first policy", "--wait");
        var set = Stopwatch.GetTimestamp();
        var nodes = world.Agents.Nodes;
        await DemoWorld.UntilAsync(
            () => world.Agents.CountOn(hash) == nodes.Length, Within, () => $"{world.Agents.CountOn(hash)} of {nodes.Length} agents run it.",
            cancellationToken);
        var took = Stopwatch.GetElapsedTime(set);
        var proof = await world.Tool.RunAsync(
            world.KeyOf("alice"), cancellationToken, "fleet", "convergence", DemoWorld.Fleet, "--hash", hash, "--within", "20");
        DemoFailureException.Unless(
            proof.GetProperty("on_hash").GetInt32() == nodes.Length, $"The control plane knows of {proof.GetProperty("on_hash").GetInt32()} only.");
        return $"{nodes.Length} of {nodes.Length} nodes on it {took.TotalMilliseconds:F0} ms after the answer; converged";
    }
}
