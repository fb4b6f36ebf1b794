using OrleansPolicy.Fleets;
using OrleansPolicy.Policy.Tests.Rollouts;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class FleetSettingsRulesTests
{
    [Fact]
    public void The_defaults_are_valid()
    {
        Assert.Empty(FleetSettingsRules.Validate(new FleetSettings()));
        Assert.Empty(FleetSettingsRules.Validate(new FleetSettings { MaxStalenessSec = null, ReportIntervalSec = 7, NodeTtlSec = 60 }));
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(45, true)]
    [InlineData(9, false)]
    [InlineData(46, false)]
    [InlineData(0, false)]
    [InlineData(-1, false)]
    public void A_lease_is_10_to_45_seconds(int lease, bool valid) => Check(
        new FleetSettings { MaxStalenessSec = lease, ReportIntervalSec = 0.2 }, valid, "$.max_staleness_sec");

    [Theory]
    [InlineData(45, 0.2, true)]
    [InlineData(45, 7, true)]
    [InlineData(45, 7.1, false)]
    [InlineData(45, 0.19, false)]
    [InlineData(12, 2, true)]
    [InlineData(12, 2.1, false)]
    [InlineData(null, 7, true)]
    [InlineData(null, 7.1, false)]
    [InlineData(45, double.NaN, false)]
    [InlineData(45, double.PositiveInfinity, false)]
    public void A_report_interval_is_at_most_7_seconds_and_a_sixth_of_the_lease(int? lease, double interval, bool valid) => Check(
        new FleetSettings { MaxStalenessSec = lease, ReportIntervalSec = interval }, valid, "$.report_interval_sec");

    [Theory]
    [InlineData(45, 49, true)]
    [InlineData(45, 48, false)]
    [InlineData(null, 21, true)]
    [InlineData(null, 20, false)]
    [InlineData(45, 31_536_000, true)]
    [InlineData(45, 31_536_001, false)]
    [InlineData(45, int.MinValue, false)]
    public void A_node_is_fenced_before_it_leaves(int? lease, int ttl, bool valid) => Check(
        new FleetSettings { MaxStalenessSec = lease, NodeTtlSec = ttl }, valid, "$.node_ttl_sec");

    [Fact]
    public void Everything_wrong_is_told_at_once() => Assert.Equal(
        ["$.max_staleness_sec", "$.node_ttl_sec", "$.report_interval_sec"],
        FleetSettingsRules.Validate(new FleetSettings { MaxStalenessSec = 1, NodeTtlSec = 0, ReportIntervalSec = 0 }).Select(problem => problem.Path));

    [Theory]
    [InlineData(45, 60, true)]
    [InlineData(45, 59, false)]
    [InlineData(10, 25, true)]
    [InlineData(10, 24, false)]
    [InlineData(null, 25, true)]
    public void A_lease_and_15_seconds_fit_into_the_rollback_deadline(int? lease, int deadline, bool valid)
    {
        var problem = FleetSettingsRules.CheckDeadline(
            new FleetSettings { MaxStalenessSec = lease }, Fleet.Plan(5, 100) with { RollbackDeadlineSec = deadline });

        Assert.Equal(valid ? null : FleetSettingsRules.StalenessCode, problem?.Code);
    }

    private static void Check(FleetSettings settings, bool valid, string path)
    {
        var problems = FleetSettingsRules.Validate(settings).Where(problem => problem.Path == path).ToArray();
        Assert.Equal(valid ? 0 : 1, problems.Length);
        Assert.All(problems, problem => Assert.Equal(FleetSettingsRules.InvalidCode, problem.Code));
    }
}
