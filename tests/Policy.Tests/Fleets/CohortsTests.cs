using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class CohortsTests
{
    private const string Salt = "c0ffee";

    private static readonly ImmutableSortedDictionary<string, DomainCut> None = ImmutableSortedDictionary<string, DomainCut>.Empty;

    [Fact]
    public void A_unit_hash_is_sha256_of_the_salts_text_and_the_unit() =>
        // printf 'c0ffeenode:n1' | sha256sum
        Assert.Equal("95374575b17033e7991cd0d26db0d0893625066ede2899cf7d2b79328d10f266", Cohorts.UnitHash(Salt, "node:n1"));

    [Fact]
    public void Long_units_hash_as_short_ones_do() => Assert.Equal(
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(Salt + "group:" + new string('ä', 600)))),
        Cohorts.UnitHash(Salt, "group:" + new string('ä', 600)));

    [Fact]
    public void Domains_share_by_largest_remainder_with_ties_by_name()
    {
        // 10 nodes of 30+30+40: 3, 3, 4. 11 nodes: 3.3, 3.3, 4.4: the rest goes to c.
        var census = Census(("a", 30), ("b", 30), ("c", 40));

        Assert.Equal([3, 3, 4], PerDomain(census, Cohorts.Cut(None, census, 10, null, Salt)));
        Assert.Equal([3, 3, 5], PerDomain(census, Cohorts.Cut(None, census, 11, null, Salt)));
        var even = Census(("a", 10), ("b", 10), ("c", 10));
        Assert.Equal([2, 1, 1], PerDomain(even, Cohorts.Cut(None, even, 15, null, Salt)));
    }

    [Fact]
    public void The_percentage_is_rounded_down()
    {
        var census = Census(("a", 19));

        Assert.Equal(0, Cohorts.Cut(None, census, 5, null, Salt).Nodes);
        Assert.Equal(1, Cohorts.Cut(None, Census(("a", 20)), 5, null, Salt).Nodes);
        Assert.Equal(18, Cohorts.Cut(None, census, 99.999m, null, Salt).Nodes);
    }

    [Fact]
    public void Nobody_in_means_no_cut()
    {
        var cut = Cohorts.Cut(None, Census(("a", 19)), 5, null, Salt);

        Assert.Equal(new DomainCut(null, 19), cut.Cuts["a"]);
        Assert.False(IsIn(cut, Census(("a", 19))[0]));
    }

    [Fact]
    public void Units_are_taken_in_the_order_of_their_hashes()
    {
        var census = Census(("a", 50));

        var cut = Cohorts.Cut(None, census, 20, null, Salt);

        var expected = census.OrderBy(unit => Cohorts.UnitHash(Salt, unit.Unit), StringComparer.Ordinal).Take(10).ToArray();
        Assert.Equal(Cohorts.UnitHash(Salt, expected[^1].Unit), cut.Cuts["a"].Cut);
        Assert.Equal(expected.Select(unit => unit.Unit).Order(), census.Where(unit => IsIn(cut, unit)).Select(unit => unit.Unit).Order());
    }

    [Fact]
    public void Everybody_is_in_at_100_percent_caps_or_not_and_those_who_join_later_are_not()
    {
        var census = Census(("a", 5), ("b", 5));

        var cut = Cohorts.Cut(None, census, 100, new PlanCaps(1, 1), Salt);

        Assert.Equal(10, cut.Nodes);
        Assert.All(census, unit => Assert.True(IsIn(cut, unit)));
        Assert.Equal(new DomainCut(DomainCut.All, 10), cut.Cuts["b"]);
        Assert.False(IsIn(cut, Unit("late", "a", 11)));
        Assert.False(IsIn(cut, Unit("elsewhere", "c", 1)));
    }

    [Fact]
    public void Caps_bound_each_domain_and_the_whole()
    {
        var census = Census(("a", 50), ("b", 50));

        Assert.Equal([3, 3], PerDomain(census, Cohorts.Cut(None, census, 50, new PlanCaps(3), Salt)));
        Assert.Equal([4, 3], PerDomain(census, Cohorts.Cut(None, census, 50, new PlanCaps(null, 7), Salt)));
    }

    [Fact]
    public void A_unit_that_joins_below_the_cut_comes_in_at_the_next_census()
    {
        var census = Census(("a", 100));
        var first = Cohorts.Cut(None, census, 10, null, Salt);
        var joined = JoinBelow(first.Cuts["a"].Cut!, "a", 101);
        var later = census.Add(joined);

        Assert.False(IsIn(first, joined));
        var second = Cohorts.Cut(first.Cuts, later, 20, null, Salt);
        Assert.True(IsIn(second, joined));
        Assert.Equal((101, 20), (second.Cuts["a"].AsOf, second.Nodes));
    }

    [Fact]
    public void Units_that_joined_below_the_cut_stay_out_where_they_would_break_the_share_and_the_cut_rises_over_the_older_ones()
    {
        var census = Census(("a", 100));
        var first = Cohorts.Cut(None, census, 10, null, Salt);
        var joined = Enumerable.Range(101, 20).Select(i => JoinBelow(first.Cuts["a"].Cut!, "a", i)).ToArray();

        // 120 nodes at 20 % are 24: 10 held and 20 joined are more.
        var second = Cohorts.Cut(first.Cuts, census.AddRange(joined), 20, null, Salt);

        Assert.Equal((100, 24), (second.Cuts["a"].AsOf, second.Nodes));
        Assert.All(joined, unit => Assert.False(IsIn(second, unit)));
        Assert.Equal(24, census.Count(unit => IsIn(second, unit)));
        Assert.Empty(second.Warnings);
    }

    [Fact]
    public void Units_that_joined_below_the_cut_stay_out_where_they_would_break_a_cap()
    {
        var census = Census(("a", 100));
        var caps = new PlanCaps(10);
        var first = Cohorts.Cut(None, census, 10, caps, Salt);
        var joined = JoinBelow(first.Cuts["a"].Cut!, "a", 101);

        var second = Cohorts.Cut(first.Cuts, census.Add(joined), 50, caps, Salt);

        Assert.False(IsIn(second, joined));
        Assert.Equal((100, 10), (second.Cuts["a"].AsOf, second.Nodes));
    }

    [Fact]
    public void A_domain_above_its_share_keeps_its_cut_and_the_excess_is_taken_off_the_others()
    {
        var census = Census(("a", 50), ("b", 50));
        var first = Cohorts.Cut(None, census, 20, null, Salt);

        // Of a only those in the cohort stay: 10 of 60 nodes. 30 % are 18, but both hold 10. 40 % are 24: a keeps 10, b gets the rest.
        var left = census.RemoveAll(unit => unit.FailureDomain == "a" && !IsIn(first, unit));
        var second = Cohorts.Cut(first.Cuts, left, 30, null, Salt);

        Assert.Equal(60, second.Census);
        Assert.Equal([10, 10], PerDomain(left, second with { Cuts = first.Cuts }));
        Assert.Equal([10, 10], PerDomain(left, second));
        Assert.Equal(CohortCut.ShrunkCode, Assert.Single(second.Warnings).Code);
        Assert.Equal([10, 14], PerDomain(left, Cohorts.Cut(first.Cuts, left, 40, null, Salt)));
    }

    [Fact]
    public void A_new_domain_gets_a_share_and_a_vanished_one_keeps_its_entry()
    {
        var census = Census(("a", 50), ("b", 50));
        var first = Cohorts.Cut(None, census, 20, null, Salt);
        var later = census.RemoveAll(unit => unit.FailureDomain == "b").AddRange(
            Enumerable.Range(101, 50).Select(i => Unit($"c{i}", "c", i)));

        var second = Cohorts.Cut(first.Cuts, later, 30, null, Salt);

        Assert.Equal([15, 15], PerDomain(later, second));
        Assert.Equal(first.Cuts["b"], second.Cuts["b"]);
        Assert.Equal(first.Cuts["b"], Cohorts.Cut(second.Cuts, later, 100, null, Salt).Cuts["b"]);
    }

    [Fact]
    public void Groups_move_whole_and_count_in_each_members_domain()
    {
        var groups = Enumerable.Range(1, 20).Select(i => new CensusUnit(
            $"group:g{i}", "a", i, ImmutableSortedDictionary<string, int>.Empty.Add("a", 1).Add("b", 1))).ToImmutableArray();

        Assert.Equal(10, Cohorts.Cut(None, groups, 25, null, Salt).Nodes);
        Assert.Equal(8, Cohorts.Cut(None, groups, 24, null, Salt).Nodes);
        Assert.Equal(6, Cohorts.Cut(None, groups, 50, new PlanCaps(3), Salt).Nodes);
    }

    [Fact]
    public void A_cut_that_took_in_everybody_still_does_below_100_percent()
    {
        var census = Census(("a", 10));
        var all = Cohorts.Cut(None, census, 100, null, Salt);

        var below = Cohorts.Cut(all.Cuts, census, 50, null, Salt);

        Assert.Equal((DomainCut.All, 10), (below.Cuts["a"].Cut, below.Nodes));
        Assert.Single(below.Warnings);
    }

    [Fact]
    public void At_rest_every_node_runs_the_target()
    {
        var rest = new Directive { Epoch = 1, Target = "t" };

        Assert.Equal("t", Cohorts.AssignedHash(rest, Node("n", "a", 999)));
        Assert.Null(Cohorts.AssignedHash(new Directive { Epoch = 0 }, Node("n", "a", 1)));
    }

    [Fact]
    public void A_node_runs_what_its_units_hash_and_registration_say()
    {
        var cut = Cohorts.UnitHash(Salt, "node:n");
        var directive = new Directive
        {
            Epoch = 2,
            Target = "t",
            Fallback = "f",
            Salt = Salt,
            Cuts = None.Add("a", new DomainCut(cut, 5)).Add("b", new DomainCut(null, 5)),
        };

        Assert.Equal("t", Cohorts.AssignedHash(directive, Node("n", "a", 5)));
        Assert.Equal("f", Cohorts.AssignedHash(directive, Node("n", "a", 6)));
        Assert.Equal("f", Cohorts.AssignedHash(directive, Node("n", "b", 5)));
        Assert.Equal("f", Cohorts.AssignedHash(directive, Node("n", "z", 5)));
    }

    [Fact]
    public void A_cut_that_is_no_hash_stops_everything() => Assert.Throws<InvariantViolationException>(
        () => Cohorts.IsInCohort(
            new Directive { Epoch = 2, Target = "t", Fallback = "f", Cuts = None.Add("a", new DomainCut("zz", 5)) }, "node:n", "a", 1));

    [Fact]
    public void A_stage_of_nothing_stops_everything() => Assert.Throws<InvariantViolationException>(() => Cohorts.Cut(None, [], 0, null, Salt));

    [Fact]
    public void A_fleet_of_nobody_is_cut_into_nothing()
    {
        Assert.Equal(0, Cohorts.Cut(None, [], 50, null, Salt).Nodes);
        Assert.Equal(0, Cohorts.Cut(None, [], 100, null, Salt).Nodes);
    }

    [Theory]
    [InlineData(5, 100, 50, 5)]
    [InlineData(5, 50, 100, 5)]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 3, 3, 33)]
    public void The_blast_radius_is_held_against_the_largest_fleet(int onTarget, int census, int registered, int percent) =>
        Assert.Equal(percent, Math.Floor(Cohorts.BlastRadius(onTarget, census, registered)));

    private static ImmutableArray<CensusUnit> Census(params (string Domain, int Nodes)[] domains)
    {
        var units = ImmutableArray.CreateBuilder<CensusUnit>();
        foreach (var (domain, nodes) in domains)
        {
            for (var i = 0; i < nodes; i++)
            {
                units.Add(Unit($"{domain}{i.ToString(CultureInfo.InvariantCulture)}", domain, units.Count + 1));
            }
        }

        return units.ToImmutable();
    }

    private static CensusUnit Unit(string node, string domain, long registration) =>
        new("node:" + node, domain, registration, ImmutableSortedDictionary<string, int>.Empty.Add(domain, 1));

    private static CensusUnit JoinBelow(string cut, string domain, long registration) => Enumerable.Range(0, int.MaxValue)
        .Select(i => Unit($"joined-{registration}-{i}", domain, registration))
        .First(unit => string.CompareOrdinal(Cohorts.UnitHash(Salt, unit.Unit), cut) <= 0);

    private static NodeRecord Node(string name, string domain, long registration) =>
        new() { Node = name, FailureDomain = domain, Registration = registration, RegisteredAt = default };

    private static bool IsIn(CohortCut cut, CensusUnit unit) => Cohorts.IsInCohort(
        new Directive { Epoch = 2, Target = "t", Fallback = "f", Cuts = cut.Cuts, Salt = Salt }, unit.Unit, unit.FailureDomain, unit.Registration);

    private static int[] PerDomain(ImmutableArray<CensusUnit> census, CohortCut cut) =>
        [.. census.GroupBy(unit => unit.FailureDomain).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Count(unit => IsIn(cut, unit)))];
}
