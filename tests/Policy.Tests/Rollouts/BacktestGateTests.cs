using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Review;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>What recorded decisions say about whether a rollout may start.</summary>
public sealed class BacktestGateTests
{
    private static readonly string InForce = new('a', 64);

    [Theory]
    [InlineData(false, null, null, null)]
    [InlineData(true, null, null, 100)]
    [InlineData(true, 7, null, 7)]
    [InlineData(true, 7, true, 7)]
    [InlineData(true, null, true, null)]
    public void A_plan_demands_records_by_its_backtest_unless_the_shadow_stage_is_enough(bool backtest, int? minRecords, bool? shadow, int? wanted) =>
        Assert.Equal(wanted, BacktestGate.RecordsWanted(
            Fleet.Plan(5, 100) with { Backtest = backtest ? new PlanBacktest(0) { MinRecords = minRecords } : null, Shadow = shadow ?? false }));

    [Fact]
    public void No_more_records_are_demanded_than_are_made_again() => Assert.Equal(
        BacktestGate.RecordsMax, BacktestGate.RecordsWanted(Fleet.Plan(5, 100) with { MinSamples = 1_000_000, Backtest = new PlanBacktest(0) }));

    [Theory]
    [InlineData(40, 10, 10, null)]
    [InlineData(40, 11, 10, "backtest.changed")]
    [InlineData(40, 11, null, "backtest.changed")]
    [InlineData(40, 10, null, null)]
    [InlineData(39, 0, 10, "backtest.too_few_records")]
    public void It_is_met_where_enough_records_show_few_enough_changes(int records, int changed, int? limit, string? code)
    {
        var plan = Fleet.Plan(5, 100) with { Backtest = new PlanBacktest(limit, limit is null ? 25 : null) { MinRecords = 40 } };

        var problems = BacktestGate.Check(plan, Replay(records, changed));

        Assert.Equal(code, problems.FirstOrDefault()?.Code);
        Assert.All(problems, problem => Assert.Equal("$.backtest", problem.Path));
        if (code == BacktestGate.ChangedCode)
        {
            Assert.Equal(
                [$"{BacktestGate.DiffersCode}: 11 times deny_to_allow: no rule in force, rule write in the new bundle."],
                problems.Skip(1).Select(problem => $"{problem.Code}: {problem.Message}"));
        }
    }

    [Fact]
    public void A_plan_without_one_is_met_by_anything() => Assert.Empty(BacktestGate.Check(Fleet.Plan(5, 100), Replay(3, 3)));

    [Fact]
    public void What_another_bundle_decided_is_not_made_again()
    {
        var replay = new DecisionReplay(Rules(), InForce);
        replay.Add(DecisionRecord.Read((Record("write") with { PolicyHash = new string('b', 64) }).ToLine()));
        replay.Add(DecisionRecord.Read(Record("write").ToLine()));

        var report = replay.ToReport();

        Assert.Equal((2, 1, 1), (report.Records, report.Others, report.Diff.Compared));
    }

    // What is written is decided otherwise, and what is read by another rule only.
    private static ReplayReport Replay(int records, int changed)
    {
        var replay = new DecisionReplay(Rules(), InForce);
        for (var i = 0; i < records; i++)
        {
            replay.Add(DecisionRecord.Read(Record(i < changed ? "write" : "read").ToLine()));
        }

        return replay.ToReport();
    }

    private static DecisionRecord Record(string capability) => new()
    {
        At = Fleet.Start,
        CapabilityId = capability,
        Decision = capability == "read" ? new Decision(true, false, "old", "r", null, null) : new Decision(false, false, "default-deny", null, null, null),
        PolicyHash = InForce,
    };

    private static RuleSet Rules() => RuleSet.Compile(BundleReader.Read(
        SomeBundle.OfRules("""[{"id":"write","effect":"allow","match":{"capability":"write"}},{"id":"read","effect":"allow","match":{"capability":"read"}}]"""),
        BundleReadOptions.ForTrial).Value!).Value!;
}
