using System.Collections.Immutable;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Policy.Tests.Waves;

public sealed class WaveRulesTests
{
    [Fact]
    public void A_list_of_fleets_in_steps_is_fine() => Assert.Empty(Check([["eu-1"], ["eu-2", "us-1"]], new WaveOverride("us-1")));

    [Fact]
    public void No_fleet_and_a_step_without_one_are_refused()
    {
        Assert.Equal([(WaveRules.EmptyCode, "$.fleets")], Check(default));
        Assert.Equal([(WaveRules.EmptyCode, "$.fleets")], Check([]));
        Assert.Equal([(WaveRules.EmptyCode, "$.fleets[1]")], Check([["eu-1"], []]));
        Assert.Equal([(WaveRules.EmptyCode, "$.fleets[0]")], Check([default]));
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_its_place() => Assert.Equal(
        [
            (WaveRules.TwiceCode, "$.fleets[1][0]"), (Names.InvalidCode, "$.fleets[1][1]"), (WaveRules.EmptyCode, "$.fleets[2]"),
            (WaveRules.OverrideCode, "$.overrides[0].fleet"), (WaveRules.OverrideCode, "$.overrides[2].fleet"),
        ],
        Check([["eu-1"], ["eu-1", "No Name"], []], new WaveOverride("us-1"), new WaveOverride("eu-1"), new WaveOverride("eu-1")));

    [Fact]
    public void There_are_at_most_fifty_fleets()
    {
        Assert.Empty(Check([Fleets(Wave.FleetsMax)]));
        Assert.Equal([(WaveRules.TooManyCode, "$.fleets")], Check([Fleets(Wave.FleetsMax + 1)]));
    }

    [Fact]
    public void A_fleet_of_a_wave_that_is_not_over_is_in_no_other()
    {
        ImmutableArray<ImmutableArray<string>> fleets = [["ap-1"], ["us-1", "us-2"]];

        Assert.Equal([(WaveRules.OverlapsCode, "$.fleets[1][0]")], WaveRules.Overlaps(fleets, SomeWave.Opened).Select(Of));
        Assert.Single(WaveRules.Overlaps(fleets, SomeWave.Opened.Do(new WaveCommand.Pause(SomeWave.Ada, "wait"))));
        Assert.Empty(WaveRules.Overlaps(fleets, SomeWave.Opened.Do(new WaveCommand.End(SomeWave.Ada, "enough"))));
        Assert.Empty(WaveRules.Overlaps([["ap-1"]], SomeWave.Opened));
    }

    [Theory]
    [InlineData("admission.refused", true)]
    [InlineData(RolloutReasons.LineStopped, true)]
    [InlineData(RolloutReasons.FreezeWindow, true)]
    [InlineData(RolloutProblems.TenantCap, true)]
    [InlineData("store.unavailable", true)]
    [InlineData("rollout.in_flight", false)]
    [InlineData("fleet.unknown", false)]
    [InlineData(RolloutProblems.Quarantined, false)]
    public void What_passes_is_waited_out(string code, bool passes) => Assert.Equal(passes, WaveRules.Passes(code));

    [Theory]
    [InlineData(RolloutProblems.MovedOn, true)]
    [InlineData(RolloutProblems.NeverComplete, true)]
    [InlineData(RolloutProblems.Quarantined, true)]
    [InlineData(RolloutProblems.AlreadyRunning, true)]
    [InlineData("bundle.unknown", true)]
    [InlineData("store.unavailable", false)]
    [InlineData(RolloutReasons.EpochBehind, false)]
    [InlineData("something.new", false)]
    public void Who_has_nothing_to_be_taken_back_stays_and_all_others_are_asked_until_they_go(string code, bool stays) =>
        Assert.Equal(stays, WaveRules.Stays(code));

    private static ImmutableArray<string> Fleets(int count) => [.. Enumerable.Range(0, count).Select(i => $"fleet-{i}")];

    private static IEnumerable<(string Code, string Path)> Check(ImmutableArray<ImmutableArray<string>> fleets, params ImmutableArray<WaveOverride> overrides) =>
        WaveRules.Check(fleets, overrides).Select(Of);

    private static (string Code, string Path) Of(Problem problem) => (problem.Code, problem.Path);
}
