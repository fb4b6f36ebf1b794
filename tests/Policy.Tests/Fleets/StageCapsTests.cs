using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class StageCapsTests
{
    private static readonly ImmutableArray<CensusUnit> Census = [Unit("g", 1) with { NewestMember = 2 }, Unit("h", 3) with { NewestMember = 4 }];

    [Fact]
    public void Nothing_bounds_a_stage_without_caps_nor_the_last_one()
    {
        Assert.Null(StageCaps.Of(null, 100, 50, 4, Census));
        Assert.Null(StageCaps.Of(new PlanCaps(), 100, 50, 4, Census));
        Assert.Null(StageCaps.Of(new PlanCaps(1, 1), 60, 100, 4, Census));
    }

    [Fact]
    public void The_cap_on_all_nodes_and_the_blast_radius_of_the_largest_census_bound_it_whichever_is_less()
    {
        Assert.Equal(new StageCaps(7, null, 4), StageCaps.Of(new PlanCaps(PerDomain: 7), 100, 50, 10, Census));
        Assert.Equal(new StageCaps(null, 3, 4), StageCaps.Of(new PlanCaps(MaxNodes: 3), 100, 50, 10, Census));
        Assert.Equal(new StageCaps(null, 5, 4), StageCaps.Of(null, 50.9m, 50, 10, Census));
        Assert.Equal(new StageCaps(null, 3, 4), StageCaps.Of(new PlanCaps(MaxNodes: 3), 50, 50, 10, Census));
        Assert.Equal(new StageCaps(null, 5, 4), StageCaps.Of(new PlanCaps(MaxNodes: 9), 50, 50, 10, Census));
        Assert.Equal(new StageCaps(null, 3, 0), StageCaps.Of(new PlanCaps(MaxNodes: 3), 100, 50, 10, []));
    }

    [Fact]
    public void Who_waited_at_the_census_has_joined_since_the_cut_still()
    {
        var caps = StageCaps.Of(new PlanCaps(MaxNodes: 3), 100, 50, 4, Census.Add(Unit("i", 5) with { NewestMember = 90, FirstWaiting = 30 }).Add(Unit("k", 6) with { FirstWaiting = 40 }));

        Assert.Equal(29, caps!.AsOf);
    }

    [Fact]
    public void Whoever_joins_waits_in_the_order_of_registration_once_the_cap_is_reached()
    {
        var caps = new StageCaps(null, 3, 2);

        Assert.Equal(["m4", "m5"], Waiting(caps, Member(5), Member(1), Member(4), Member(2), Member(3)));
        Assert.Equal(["m5"], Waiting(caps, Member(5), Member(1), Member(4), Member(3)));
        Assert.Empty(Waiting(caps, Member(1), Member(2), Member(3)));
        Assert.Empty(Waiting(new StageCaps(null, null, 0), Member(1), Member(2)));
    }

    [Fact]
    public void Each_node_counts_in_its_own_domain_and_one_that_fits_does_not_wait_behind_one_that_does_not()
    {
        var caps = new StageCaps(2, 4, 2);

        Assert.Equal(["m3", "m6"], Waiting(caps, Member(1, "a"), Member(2, "a"), Member(3, "a"), Member(4, "b"), Member(5, "b"), Member(6, "c")));
    }

    [Fact]
    public void Who_was_counted_and_who_is_its_own_unit_never_waits()
    {
        var single = Member(9) with { Node = "alone", ParityGroup = null, Group = null };

        Assert.Empty(Waiting(new StageCaps(1, 1, 2), Member(1), Member(2), single));
        Assert.Equal(["m3"], Waiting(new StageCaps(null, 2, 2), Member(1), Member(3), single));
    }

    [Fact]
    public void Within_a_stage_nobody_who_has_room_loses_it_because_somebody_leaves_or_joins() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var caps = new StageCaps(random.Next(3) == 0 ? null : random.Next(1, 5), random.Next(3) == 0 ? null : random.Next(1, 12), 6);
            var members = Enumerable.Range(1, 6 + random.Next(12)).Select(i => Member(i, "d" + random.Next(3))).ToList();
            for (var step = 0; step < 20 && members.Count > 0; step++)
            {
                var before = caps.WaitingOf(members);
                if (random.Next(3) == 0)
                {
                    members.Add(Member(100 + step, "d" + random.Next(3)));
                }
                else
                {
                    members.RemoveAt(random.Next(members.Count));
                }

                var after = caps.WaitingOf(members);
                Assert.All(members.Where(member => member.Registration < 100 + step), member => Assert.True(before.Contains(member.Node) || !after.Contains(member.Node)));
                Assert.All(
                    members.Where(member => !after.Contains(member.Node)).CountBy(member => member.FailureDomain),
                    domain => Assert.True(!(domain.Value > caps.PerDomain) || members.Count(one => one.Registration <= caps.AsOf && one.FailureDomain == domain.Key) >= domain.Value));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    private static string[] Waiting(StageCaps caps, params NodeRecord[] cohort) => [.. caps.WaitingOf(cohort).Order(StringComparer.Ordinal)];

    private static NodeRecord Member(long registration, string domain = "a") => new()
    {
        Node = $"m{registration}",
        Registration = registration,
        FailureDomain = domain,
        ParityGroup = "g",
        Group = new GroupPlace("a", 1),
        RegisteredAt = default,
    };

    private static CensusUnit Unit(string group, long registration) =>
        new("group:" + group, "a", registration, ImmutableSortedDictionary<string, int>.Empty.Add("a", 2));
}
