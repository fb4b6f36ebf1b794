using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class PlanContextTests
{
    [Theory]
    [InlineData("{\"rollout_wedge\":@}", "$.rollout_wedge", false)]
    [InlineData("{\"change_summary\":{\"intent\":\"x\",\"rollout_wedge\":@}}", "$.change_summary.rollout_wedge", false)]
    [InlineData("{\"change_proposal\":{\"rollout_wedge\":@}}", "$.change_proposal.rollout_wedge", true)]
    public void A_plan_is_found_in_its_wrapper(string wrapper, string path, bool legacy)
    {
        Assert.NotNull(PlanReaderTests.Read(wrapper.Replace("@", PlanReaderTests.Valid, StringComparison.Ordinal)).Plan);
        var broken = PlanReaderTests.Read(wrapper.Replace("@", "{\"wedge_state\":1}", StringComparison.Ordinal));
        Assert.All(broken.Errors, problem => Assert.StartsWith(path + ".", problem.Path, StringComparison.Ordinal));
        Assert.Equal(legacy, broken.Warnings.Any(problem => problem.Code == PlanProblems.LegacyProposal));
    }

    [Theory]
    [InlineData("{\"\\ud800\":1}", "plan.unreadable")]
    [InlineData("{\"change_summary\":{}}", "plan.missing")]
    [InlineData("{\"change_summary\":[]}", "plan.missing")]
    [InlineData("{\"change_proposal\":{\"rollout_wedge\":[]}}", "plan.not_an_object")]
    [InlineData("{\"rollout_wedge\":null}", "plan.not_an_object")]
    public void A_wrapper_without_a_plan_is_told(string json, string code) => Assert.Contains(PlanReaderTests.Read(json).Errors, problem => problem.Code == code);

    [Fact]
    public void The_path_of_the_request_leads_every_problem() => Assert.Equal(
        "$.rollout_wedge.wedge_state",
        Assert.Single(PlanReader.Read(PlanReaderTests.Json(PlanReaderTests.Valid, json => json["wedge_state"] = 1), new PlanContext { Path = "$.rollout_wedge" }).Errors).Path);

    [Theory]
    [InlineData("\"PENDING\"", null)]
    [InlineData(null, null)]
    [InlineData("null", null)]
    [InlineData("\"ACTIVE\"", "plan.wedge_state_not_pending")]
    [InlineData("\"active\"", "plan.wedge_state")]
    public void A_start_is_pending_or_says_nothing(string? state, string? code)
    {
        var json = PlanReaderTests.Json(PlanReaderTests.Valid, plan =>
        {
            plan.Remove("wedge_state");
            if (state is not null)
            {
                plan["wedge_state"] = JsonNode.Parse(state);
            }
        });

        Assert.Equal(code, PlanReader.Read(json, new PlanContext { ForStart = true }).Errors.SingleOrDefault()?.Code);
    }

    [Fact]
    public void A_shadow_stage_adds_a_window_to_what_is_planned()
    {
        var json = PlanReaderTests.Json(PlanReaderTests.Valid, plan => plan["shadow"] = true);
        var reading = PlanReader.Read(json, new PlanContext { ForStart = true });

        Assert.True(reading.Valid);
        Assert.Empty(reading.Warnings);
        Assert.Equal((8, 1), (reading.PlannedHours, reading.ShadowWindowHours));
        Assert.Null(PlanReader.Read(PlanReaderTests.Json(PlanReaderTests.Valid, _ => { }), new PlanContext()).ShadowWindowHours);
        Assert.Null(PlanReader.Read(
            PlanReaderTests.Json(PlanReaderTests.Valid, plan => (plan["shadow"], plan["observation_window_hours"]) = (true, 0)), new PlanContext()).ShadowWindowHours);
    }

    [Fact]
    public void A_stage_of_the_plan_cannot_have_the_shadow_stages_name()
    {
        static JsonElement Named(bool shadow) => PlanReaderTests.Json(PlanReaderTests.Valid, plan =>
        {
            plan["shadow"] = shadow;
            plan["wedge_stages"]![1]!["stage_id"] = "shadow";
        });

        var problem = Assert.Single(PlanReader.Read(Named(true), new PlanContext()).Errors);
        Assert.Equal((PlanProblems.StageIdDuplicate, "$.wedge_stages[1].stage_id"), (problem.Code, problem.Path));
        Assert.True(PlanReader.Read(Named(false), new PlanContext()).Valid);
    }

    [Theory]
    [InlineData("{}", 0.0, null)]
    [InlineData("{\"max_changed_decisions\": 12}", 12.0, null)]
    [InlineData("{\"max_changed_decisions\": null}", 0.0, null)]
    [InlineData("{\"max_changed_decisions\": \"0.5%\"}", null, 0.5)]
    public void A_backtest_sets_its_limit_in_decisions_or_in_percent(string backtest, double? decisions, double? percentage)
    {
        var plan = PlanReader.Read(
            PlanReaderTests.Json(PlanReaderTests.Valid, plan => (plan["shadow"], plan["backtest"]) = (true, JsonNode.Parse(backtest))), new PlanContext()).Plan!;

        Assert.Equal(new PlanBacktest(decisions, (decimal?)percentage), plan.Backtest);
        Assert.Equal(decisions ?? percentage / 100 * 2_000, plan.Backtest!.LimitOf(2_000));
    }
}
