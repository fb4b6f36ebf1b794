using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Demo.Steps;

/// <summary>The fleet's nodes. They register and poll; without a bundle each of them denies everything.</summary>
internal sealed class StartAgents : IDemoStep
{
    private static readonly TimeSpan HeardWithin = TimeSpan.FromSeconds(20);

    public string Title => "start the agents, each with its own key";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var keys = await world.Admin.CreateKeysAsync(
            [.. Enumerable.Range(0, world.Options.Agents).Select(Agents.NameOf).Select(node => new NewKey
            {
                Name = node,
                Subject = node,
                Role = "node",
                Fleet = DemoWorld.Fleet,
                Node = node,
            })],
            null,
            cancellationToken);
        await world.Admin.RegisterNodesAsync(
            DemoWorld.Fleet,
            [.. Enumerable.Range(0, world.Options.Agents).Select(i => new NodeRegistration { Node = Agents.NameOf(i), FailureDomain = Agents.ZoneOf(i) })],
            null,
            cancellationToken);
        var root = JsonSerializer.Deserialize<TrustRoot>(await File.ReadAllBytesAsync(world.InFolder("trust.json"), cancellationToken), PolicyJson.Options)!;
        await world.Agents.StartAsync(world.ControlPlane.Address, DemoWorld.Fleet, [.. keys.Select(k => k.Key)], root, cancellationToken);
        var nodes = world.Agents.Nodes;
        await DemoWorld.UntilAsync(
            () => nodes.All(n => n.Status.LeaseLeft > TimeSpan.Zero), HeardWithin,
            () => $"Only {nodes.Count(n => n.Status.LeaseLeft > TimeSpan.Zero)} of {nodes.Length} agents have heard their directive.", cancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        var denying = nodes.Count(n => n.Decide("gateway.health.read", default).Decision.Reason == "decide.no_policy");
        DemoFailureException.Unless(denying == nodes.Length, $"{nodes.Length - denying} agents decide without a bundle.");
        return $"{nodes.Length} agents in {took.TotalSeconds:F1} s; all deny (decide.no_policy)";
    }
}
