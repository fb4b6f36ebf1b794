using System.Runtime.CompilerServices;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What a fleet keeps of its nodes in memory.</summary>
public class FleetRegistryTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly FleetSettings Settings = new();
    private static readonly DateTimeOffset Fenced = Start + Lease.FenceAfter(Settings)!.Value;

    [Theory]
    [InlineData(null)]
    [InlineData("pair")]
    public void A_node_that_left_is_forgotten_once_it_is_certain_to_have_stopped(string? group)
    {
        var registry = Registry(group);
        var left = Leave(registry);

        registry.ForgetLeft(Settings, Fenced - TimeSpan.FromSeconds(1));
        Assert.True(IsKept(left));
        registry.ForgetLeft(Settings, Fenced);
        Assert.False(IsKept(left));
    }

    [Fact]
    public void A_node_that_left_is_kept_as_long_as_an_open_way_back_counts_it()
    {
        var registry = Registry(null);
        Leave(registry);
        var later = Fenced + TimeSpan.FromMinutes(1);

        Assert.Equal((1, 0), Count(Start + TimeSpan.FromSeconds(1)));
        registry.ForgetLeft(Settings, later);
        Assert.Equal((1, 1), Count(later));

        // Nobody has counted it since: the way back is over.
        registry.ForgetLeft(Settings, later);
        registry.ForgetLeft(Settings, later);
        Assert.Equal((0, 0), Count(later));

        (int Nodes, int Fenced) Count(DateTimeOffset now)
        {
            var back = new WayBack { Epoch = 2, DetectedAt = Start, DecidedAt = Start, DurableAt = Start, DeadlineSec = 60 };
            var returned = registry.ObserveAt(Settings, new FleetWatch(Start, 2, null, back), withCensus: false, now).Return!;

            // The other node is still there, and says nothing.
            return (returned.Nodes - 1, returned.FencedNodes.Count(node => node == "leaves"));
        }
    }

    [Fact]
    public void Without_leases_a_silent_node_is_waited_for_however_short_its_time_to_live_is()
    {
        var unleased = new FleetSettings { MaxStalenessSec = null, NodeTtlSec = 60 };
        var registry = Registry(null);
        var back = new WayBack { Epoch = 2, DetectedAt = Start, DecidedAt = Start, DurableAt = Start, DeadlineSec = 60 };

        var seen = registry.ObserveAt(unleased, new FleetWatch(Start, 2, null, back), withCensus: false, Start.AddHours(1));
        Assert.Equal(["leaves", "stays"], seen.Return!.WaitingNodes);

        // Whoever takes a node out says that it does not serve any more.
        registry.Apply([], ["leaves"], Start.AddHours(1));
        seen = registry.ObserveAt(unleased, new FleetWatch(Start, 2, null, back), withCensus: false, Start.AddHours(1));
        Assert.Equal(["stays"], seen.Return!.WaitingNodes);
    }

    [Fact]
    public void A_node_from_before_leases_were_switched_on_is_waited_for_until_it_speaks_or_is_taken_out()
    {
        var settings = new FleetSettings { EarlierLease = new EarlierLease { Until = Start } };
        var registry = Registry(null);
        var later = Start.AddHours(1);

        Assert.Equal(["leaves", "stays"], Count(later).WaitingNodes);

        // Whoever takes it out says that it has no lease from then; one from since may run.
        registry.Apply([], ["leaves"], later);
        Assert.Equal(["leaves"], Count(later).FencedNodes);
        registry.Hear([new HeardNode("stays", later, null)], settings);
        Assert.Empty(Count(later).WaitingNodes);

        ReturnCounts Count(DateTimeOffset now)
        {
            var back = new WayBack { Epoch = 2, DetectedAt = Start, DecidedAt = Start, DurableAt = Start, DeadlineSec = 60 };
            return registry.ObserveAt(settings, new FleetWatch(Start, 2, null, back), withCensus: false, now).Return!;
        }
    }

    private static FleetRegistry Registry(string? group)
    {
        var registry = new FleetRegistry("life", new Directive { Epoch = 2, Target = "old" }, Start);
        registry.Apply([Node("leaves", 1, group), Node("stays", 2, group)], [], Start);
        return registry;
    }

    // Frames of their own: what they hold is nobody's once they have returned.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Leave(FleetRegistry registry)
    {
        var left = new WeakReference(registry.Find("leaves"));
        registry.Apply([], ["leaves"], Start);
        return left;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsKept(WeakReference left)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return left.IsAlive;
    }

    private static NodeRecord Node(string name, long registration, string? group) => new()
    {
        Node = name,
        Registration = registration,
        FailureDomain = "default",
        ParityGroup = group,
        Group = group is null ? null : new GroupPlace("default", 1),
        RegisteredAt = Start,
    };
}
