using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class PlanFleetRulesTests
{
    [Fact]
    public void Stages_are_told_in_nodes()
    {
        var reading = Read(new Fleet(99, 3).Census, "");

        Assert.Equal([4, 19, 49, 99], reading.Stages.Select(stage => stage.Nodes!.Value));
        Assert.True(reading.Valid);
    }

    [Fact]
    public void Caps_bound_the_nodes_below_100_percent()
    {
        var census = new Fleet(99, 3).Census;

        Assert.Equal([3, 3, 3, 99], Read(census, ",\"caps\":{\"per_domain\":1}").Stages.Select(stage => stage.Nodes!.Value));
        Assert.Equal([4, 10, 10, 99], Read(census, ",\"caps\":{\"max_nodes\":10}").Stages.Select(stage => stage.Nodes!.Value));
        Assert.Equal(
            [PlanProblems.AddsNoNode], Read(census, ",\"caps\":{\"max_nodes\":10}").Warnings.Select(warning => warning.Code));
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(19, false)]
    [InlineData(0, false)]
    public void A_fleet_too_small_for_a_stage_is_refused_with_the_numbers(int nodes, bool valid)
    {
        var reading = Read(new Fleet(nodes).Census, "");

        Assert.Equal(valid, reading.Valid);
        if (!valid)
        {
            Assert.Equal((PlanProblems.FleetTooSmall, "$.wedge_stages[0].target_percentage"), (reading.Errors[0].Code, reading.Errors[0].Path));
            Assert.Contains($"{nodes}", reading.Errors[0].Message, StringComparison.Ordinal);
            Assert.Contains("at least 20", reading.Errors[0].Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_initial_percentage_counts_as_a_stage_for_the_fleets_size()
    {
        var reading = Read(new Fleet(99).Census, "", initial: 1);

        Assert.Equal((PlanProblems.FleetTooSmall, "$.initial_percentage"), (Assert.Single(reading.Errors).Code, reading.Errors[0].Path));
        Assert.True(Read(new Fleet(100).Census, "", initial: 1).Valid);
    }

    [Fact]
    public void A_group_larger_than_its_share_is_refused_with_the_numbers()
    {
        var group = Group("trio", 101, 3);

        var reading = Read(new Fleet(37, 1).Census.Add(group), "");

        var problem = Assert.Single(reading.Errors);
        Assert.Equal(PlanProblems.GroupTooLarge, problem.Code);
        Assert.Contains("group:trio has 3 nodes", problem.Message, StringComparison.Ordinal);
        Assert.Contains("at most 2", problem.Message, StringComparison.Ordinal);
        Assert.True(Read(new Fleet(57, 1).Census.Add(group), "").Valid);
    }

    [Fact]
    public void A_group_larger_than_a_cap_is_refused_and_a_domain_without_a_share_refuses_nobody()
    {
        Assert.Equal(
            PlanProblems.GroupTooLarge, Assert.Single(Read(new Fleet(97, 1).Census.Add(Group("trio", 101, 3)), ",\"caps\":{\"per_domain\":2}").Errors).Code);

        // 2 of 22 nodes are far: no share at 5 % and 20 %, then one node at 50 %, which is less than the pair.
        var apart = Group("pair", 101, 2) with { FailureDomain = "far", Nodes = ImmutableSortedDictionary<string, int>.Empty.Add("far", 2) };
        Assert.Equal("$.wedge_stages[2].target_percentage", Assert.Single(Read(new Fleet(20, 1).Census.Add(apart), "").Errors).Path);
    }

    [Fact]
    public void The_list_of_groups_is_bounded() => Assert.Equal(
        20, Read([.. Enumerable.Range(1, 40).Select(i => Group($"g{i}", i, 3))], ",\"caps\":{\"per_domain\":2}").Errors.Length);

    private static CensusUnit Group(string name, long registration, int nodes) =>
        new("group:" + name, "zone-a", registration, ImmutableSortedDictionary<string, int>.Empty.Add("zone-a", nodes));

    private static PlanReading Read(ImmutableArray<CensusUnit> census, string more, double initial = 5)
    {
        var stages = string.Join(',', ((int[])[5, 20, 50, 100]).Select(target =>
            $$"""{"stage_id":"s{{target}}","target_percentage":{{target}},"duration_hours":1,"success_criteria":["a < 1"],"rollback_trigger":"a > 1"}"""));
        using var document = JsonDocument.Parse(
            $$"""{"wedge_stages":[{{stages}}],"initial_percentage":{{initial}},"increment_policy":"manual","max_blast_radius":100,"observation_window_hours":1,"wedge_state":"PENDING"{{more}}}""");
        return PlanReader.Read(document.RootElement, new PlanContext { Census = census });
    }
}
