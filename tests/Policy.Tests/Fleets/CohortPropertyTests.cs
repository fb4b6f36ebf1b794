using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Fleets;

/// <summary>Lives of fleets: stages with rising percentages, and between them units that join and leave.</summary>
public sealed class CohortPropertyTests
{
    private static readonly ImmutableSortedDictionary<string, DomainCut> None = ImmutableSortedDictionary<string, DomainCut>.Empty;

    private static readonly Gen<Life> Lives =
        from seed in Gen.Choose(0, int.MaxValue)
        from nodes in Gen.OneOf(Gen.Choose(0, 20), Gen.Choose(0, 300))
        from domains in Gen.Choose(1, 7)
        from groups in Gen.Elements(false, true)
        from perDomain in Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 30))
        from maxNodes in Gen.OneOf(Gen.Constant(0), Gen.Choose(1, 60))
        from stages in Gen.Choose(1, 6)
        select new Life(seed, nodes, domains, groups, perDomain == 0 ? null : perDomain, maxNodes == 0 ? null : maxNodes, stages);

    [Fact]
    public void Caps_and_percentages_hold_on_the_nodes_and_whoever_is_in_stays_in() =>
        Prop.ForAll(Lives.ToArbitrary(), life => life.Run((before, census, percentage, cut, life) =>
        {
            var inside = census.Where(unit => IsIn(cut.Cuts, life.Salt, unit)).ToArray();
            var nodes = inside.Sum(Size);
            Assert.Equal(cut.Nodes, nodes);
            if (percentage < 100)
            {
                var floor = (int)Math.Floor(percentage * census.Sum(Size) / 100);
                Assert.True(nodes <= Math.Min(floor, life.Caps?.MaxNodes ?? int.MaxValue) || !cut.Warnings.IsEmpty);
                Assert.True(nodes <= (life.Caps?.MaxNodes ?? int.MaxValue));
                var widest = inside.SelectMany(unit => unit.Nodes).GroupBy(pair => pair.Key).Select(own => own.Sum(pair => pair.Value)).DefaultIfEmpty().Max();
                Assert.True(widest <= (life.Caps?.PerDomain ?? int.MaxValue));
            }
            else
            {
                Assert.Equal(census.Length, inside.Length);
            }

            Assert.All(census.Where(unit => IsIn(before, life.Salt, unit)), unit => Assert.Contains(unit, inside));
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(400));

    [Fact]
    public void Cuts_and_their_as_of_only_rise_and_no_domain_is_lost() =>
        Prop.ForAll(Lives.ToArbitrary(), life => life.Run((before, _, _, cut, _) =>
        {
            foreach (var (domain, old) in before)
            {
                var @new = cut.Cuts[domain];
                Assert.True(Rank(@new.Cut).CompareTo(Rank(old.Cut)) >= 0);
                Assert.True(@new.AsOf >= old.AsOf);
            }
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void The_order_of_the_census_does_not_matter() =>
        Prop.ForAll(Lives.ToArbitrary(), life => life.Run((before, census, percentage, cut, life) =>
        {
            var shuffled = census.OrderBy(unit => Cohorts.UnitHash("shuffle", unit.Unit), StringComparer.Ordinal).ToImmutableArray();
            Assert.Equal(cut.Cuts, Cohorts.Cut(before, shuffled, percentage, life.Caps, life.Salt).Cuts);
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Joining_puts_nobody_in() =>
        Prop.ForAll(Lives.ToArbitrary(), life => life.Run((_, _, _, cut, life) =>
        {
            var newest = life.NewestRegistration;
            for (var i = 1; i <= 30; i++)
            {
                var joined = new CensusUnit($"node:new{i}", $"d{i % life.Domains}", newest + i, ImmutableSortedDictionary<string, int>.Empty);
                Assert.False(IsIn(cut.Cuts, life.Salt, joined));
            }
        })).Check(Config.QuickThrowOnFailure);

    [Fact]
    public void Single_nodes_without_caps_are_exactly_the_percentage_on_every_fleet_size()
    {
        for (var nodes = 1; nodes <= 250; nodes++)
        {
            var life = new Life(nodes, nodes, 1 + (nodes % 5), false, null, null, 1);
            var census = life.Units(nodes);
            foreach (var percentage in (decimal[])[0.5m, 1, 5, 20, 33.3m, 50, 99.9m, 100])
            {
                Assert.Equal((int)Math.Floor(percentage * nodes / 100), Cohorts.Cut(None, census, percentage, null, life.Salt).Nodes);
            }
        }
    }

    [Fact]
    public void Shares_add_up_to_the_quota_and_never_exceed_a_domain() =>
        Prop.ForAll(Gen.Choose(0, 500).ArrayOf().SelectMany(nodes => Gen.Choose(0, Math.Max(0, nodes.Sum())).Select(quota => (nodes, quota))).ToArbitrary(), run =>
        {
            var (shares, excess) = CohortShares.Share(run.quota, [.. run.nodes.Select(nodes => (nodes, 0))]);
            Assert.Equal((run.quota, 0), (shares.Sum(), excess));
            Assert.All(shares.Zip(run.nodes), pair => Assert.InRange(pair.First, 0, pair.Second));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static int Size(CensusUnit unit) => unit.Nodes.Values.Sum();

    private static string Rank(string? cut) => cut switch { null => "", DomainCut.All => "~", _ => cut };

    private static bool IsIn(ImmutableSortedDictionary<string, DomainCut> cuts, string salt, CensusUnit unit) =>
        cuts.Count > 0 && Cohorts.IsInCohort(
            new Directive { Epoch = 2, Target = "t", Fallback = "f", Cuts = cuts, Salt = salt }, unit.Unit, unit.FailureDomain, unit.Registration);

    private sealed record Life(int Seed, int Nodes, int Domains, bool Groups, int? PerDomain, int? MaxNodes, int Stages)
    {
        public string Salt { get; } = Seed.ToString("x8", System.Globalization.CultureInfo.InvariantCulture);

        public PlanCaps? Caps => PerDomain is null && MaxNodes is null ? null : new PlanCaps(PerDomain, MaxNodes);

        public ImmutableArray<CensusUnit> Units(int count, int from = 1, Random? random = null) =>
            [.. Enumerable.Range(from, count).Select(i => Unit(i, random ?? new Random(Seed + i)))];

        /// <summary>Numbers rise per fleet and never come again.</summary>
        public int NewestRegistration { get; private set; }

        /// <summary>Calls the check after each stage with the cuts before it, the census, the percentage and the new cut.</summary>
        public void Run(Action<ImmutableSortedDictionary<string, DomainCut>, ImmutableArray<CensusUnit>, decimal, CohortCut, Life> check)
        {
            var random = new Random(Seed);
            var census = Units(Nodes);
            NewestRegistration = Nodes;
            var cuts = None;
            var percentage = 0m;
            for (var stage = 0; stage < Stages; stage++)
            {
                percentage = stage == Stages - 1 && random.Next(2) == 0 ? 100 : Math.Min(99.9m, percentage + (random.Next(1, 400) / 10m));
                var cut = Cohorts.Cut(cuts, census, percentage, Caps, Salt);
                check(cuts, census, percentage, cut, this);
                cuts = cut.Cuts;
                var leaving = random.Next(0, 3) * 30;
                var joining = random.Next(0, 40);
                census = census.RemoveAll(_ => random.Next(100) < leaving).AddRange(Units(joining, NewestRegistration + 1));
                NewestRegistration += joining;
            }
        }

        private CensusUnit Unit(int i, Random random)
        {
            var domain = $"d{random.Next(Domains)}";
            var nodes = ImmutableSortedDictionary<string, int>.Empty.Add(domain, 1);
            if (!Groups || random.Next(3) > 0)
            {
                return new CensusUnit($"node:n{i}", domain, i, nodes);
            }

            var second = $"d{random.Next(Domains)}";
            return new CensusUnit($"group:g{i}", domain, i, nodes.SetItem(second, nodes.GetValueOrDefault(second) + 1));
        }
    }
}
