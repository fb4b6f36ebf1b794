using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Grains.Tests.Cluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Nodes that were not heard for their fleet's time to live, and are taken out by nobody but the timer.</summary>
public class NodeSweepTests
{
    private static readonly FleetSettings Leased = new();
    private static readonly FleetSettings Unleased = new() { MaxStalenessSec = null, NodeTtlSec = 60 };

    private readonly SkippingClock _clock = new();

    [Fact]
    public async Task Who_comes_back_while_others_are_taken_out_stays()
    {
        var registry = Registry(Node("a"), Node("b"), Node("c"));
        _clock.Skip(TimeSpan.FromSeconds(Leased.NodeTtlSec));

        var removed = await SweepAsync(registry, Leased, isGoingBack: true, node =>
        {
            if (node == "a")
            {
                registry.Hear([new HeardNode("b", _clock.GetUtcNow(), null)], Leased);
            }
        });

        Assert.Equal(["a", "c"], removed);
        Assert.NotNull(registry.Find("b"));
    }

    [Fact]
    public async Task One_sweep_takes_out_a_hundred_and_the_next_the_rest()
    {
        var registry = Registry([.. Enumerable.Range(0, NodeSweep.RemovedMax + 20).Select(i => Node($"n{i:000}"))]);
        _clock.Skip(TimeSpan.FromSeconds(Leased.NodeTtlSec));

        Assert.Equal(NodeSweep.RemovedMax, (await SweepAsync(registry, Leased)).Count);
        Assert.Equal(20, (await SweepAsync(registry, Leased)).Count);
        Assert.Equal(0, registry.Count);
    }

    [Fact]
    public async Task Without_leases_no_member_of_a_parity_group_is_taken_out_for_its_silence()
    {
        var registry = Registry(Node("a"), Node("b", "pair"), Node("c", "pair"));
        _clock.Skip(TimeSpan.FromHours(1));

        Assert.Equal(["a"], await SweepAsync(registry, Unleased));
        Assert.Equal(2, registry.Count);

        // With leases it is certain to have stopped.
        _clock.Skip(TimeSpan.FromSeconds(Leased.NodeTtlSec));
        Assert.Equal(["b", "c"], await SweepAsync(registry, Leased));
    }

    [Fact]
    public async Task Without_leases_nobody_is_taken_out_for_their_silence_while_a_way_back_waits()
    {
        var registry = Registry(Node("a"), Node("b"));
        _clock.Skip(TimeSpan.FromHours(1));

        Assert.Empty(await SweepAsync(registry, Unleased, isGoingBack: true));
        Assert.Equal(["a", "b"], await SweepAsync(registry, Unleased));
    }

    private FleetRegistry Registry(params NodeRecord[] nodes)
    {
        var registry = new FleetRegistry("life", new Directive { Epoch = 2, Target = "old" }, _clock.GetUtcNow());
        registry.Apply(nodes, [], _clock.GetUtcNow());
        return registry;
    }

    private async Task<List<string>> SweepAsync(FleetRegistry registry, FleetSettings settings, bool isGoingBack = false, Action<string>? meanwhile = null)
    {
        var removed = new List<string>();
        await new NodeSweep(registry, () => settings, _clock).RunAsync(
            () => Task.FromResult(isGoingBack),
            node =>
            {
                removed.Add(node);
                meanwhile?.Invoke(node);
                registry.Apply([], [node], _clock.GetUtcNow());
                return Task.CompletedTask;
            });
        return removed;
    }

    private static NodeRecord Node(string name, string? group = null) => new()
    {
        Node = name,
        Registration = 1,
        FailureDomain = "default",
        ParityGroup = group,
        Group = group is null ? null : new GroupPlace("default", 1),
        RegisteredAt = default,
    };
}
