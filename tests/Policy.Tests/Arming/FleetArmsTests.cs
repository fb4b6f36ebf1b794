using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Policy.Tests.Arming;

public sealed class FleetArmsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Every combination of what four scopes can say (nothing, arm, disarm), of a fleet that demands arming and one that does not.</summary>
    public static TheoryData<bool?, bool?, bool?, bool?, bool> Cells()
    {
        var cells = new TheoryData<bool?, bool?, bool?, bool?, bool>();
        bool?[] said = [null, true, false];
        foreach (var all in said)
        {
            foreach (var tenant in said)
            {
                foreach (var fleet in said)
                {
                    foreach (var node in said)
                    {
                        cells.Add(all, tenant, fleet, node, true);
                        cells.Add(all, tenant, fleet, node, false);
                    }
                }
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_node_is_armed_where_no_scope_disarms_it_and_one_arms_it_or_none_need(bool? all, bool? tenant, bool? fleet, bool? node, bool requires)
    {
        var arms = Of((ArmScope.All, all), (new("t"), tenant), (new("t", "f"), fleet), (new("t", "f", "n"), node));
        bool?[] own = [all, tenant, fleet, node];
        bool?[] wide = [all, tenant, fleet];

        Assert.Equal(!own.Contains(false) && (own.Contains(true) || !requires), arms.IsArmed(requires, "n"));
        Assert.Equal(!wide.Contains(false) && (wide.Contains(true) || !requires), arms.IsArmed(requires, "another"));
        Assert.Equal(arms.IsArmed(requires, "another"), arms.IsArmed(requires, null));
        Assert.Equal(own.Count(said => said == false), arms.DisarmedBy("n").Length);
        Assert.Equal(wide.Count(said => said == false), arms.DisarmedBy(null).Length);
        Assert.Equal(wide.Contains(false), arms.WholeDisarm is not null);
    }

    [Fact]
    public void The_number_is_the_highest_of_all_rows_and_the_fleets_own()
    {
        var arms = Of((ArmScope.All, true), (new("t"), false), (new("t", "f", "n"), true));

        Assert.Equal(3, arms.Epoch);
        Assert.Equal(9, FleetArms.Of(9, [arms.All!, arms.Tenant!]).Epoch);
        Assert.Equal(0, FleetArms.Of(0, []).Epoch);
        Assert.Same(arms, FleetArms.Later(FleetArms.None, arms));
        Assert.Same(arms, FleetArms.Later(arms, FleetArms.None));
    }

    [Fact]
    public void The_newest_disarm_of_the_whole_fleet_is_the_one_that_is_named()
    {
        var arms = Of((ArmScope.All, false), (new("t", "f"), false), (new("t", "f", "n"), false));

        Assert.Equal(ArmLevel.Fleet, arms.WholeDisarm!.Scope.Level);
        Assert.Equal([ArmLevel.All, ArmLevel.Fleet, ArmLevel.Node], arms.DisarmedBy("n").Select(scope => scope.Level));
    }

    [Fact]
    public void It_comes_back_from_JSON_as_it_was_and_from_before_there_were_arms_as_none()
    {
        var arms = Of((ArmScope.All, true), (new("t"), false), (new("t", "f"), true), (new("t", "f", "n"), false));

        var back = JsonSerializer.Deserialize<FleetArms>(JsonSerializer.Serialize(arms, PolicyJson.Options), PolicyJson.Options)!;

        Assert.Equal((arms.Epoch, arms.All, arms.Tenant, arms.Fleet), (back.Epoch, back.All! with { By = arms.All!.By }, back.Tenant! with { By = arms.Tenant!.By }, back.Fleet! with { By = arms.Fleet!.By }));
        Assert.Equal(arms.Nodes.Keys, back.Nodes.Keys);
        Assert.False(back.IsArmed(requiresArmed: false, "n"));
        var old = JsonSerializer.Deserialize<FleetSnapshot>(
            """{"tenant":"t","fleet":"f","settings":{"max_staleness_sec":45},"directive":{"epoch":3},"revision":4}""", PolicyJson.Options)!;
        Assert.True(old.IsArmed(null));
        Assert.Equal(0, old.Arms.Epoch);
    }

    [Fact]
    public void Scopes_are_named_in_the_audit_by_what_they_cover()
    {
        Assert.Equal("all", ArmScope.All.Subject);
        Assert.Equal("tenant", new ArmScope("t").Subject);
        Assert.Equal("fleets/f", new ArmScope("t", "f").Subject);
        Assert.Equal("fleets/f/nodes/n", new ArmScope("t", "f", "n").Subject);
        Assert.Equal("fleets/f/groups/g", new ArmScope("t", "f", "group:g").Subject);
    }

    [Fact]
    public void Members_of_a_parity_group_are_armed_and_disarmed_as_one()
    {
        var alone = new NodeRecord { Node = "n", Registration = 1, RegisteredAt = Noon };
        var (brain, execution) = (alone with { ParityGroup = "g" }, alone with { Node = "m", ParityGroup = "g" });

        var disarmed = Of((new("t", "f"), true), (new("t", "f", "group:g"), false));
        Assert.Equal((false, false, true), (Armed(disarmed, brain), Armed(disarmed, execution), Armed(disarmed, alone)));

        var armed = Of((new("t", "f", "group:g"), true));
        Assert.Equal((true, true, false), (Armed(armed, brain), Armed(armed, execution), Armed(armed, alone)));

        // What was said of one of them before it joined arms no half of a group; a disarm stays one.
        var before = Of((new("t", "f", "n"), true));
        Assert.Equal((false, false, true), (Armed(before, brain), Armed(before, execution), Armed(before, alone)));
        var stopped = Of((new("t", "f", "group:g"), true), (new("t", "f", "n"), false));
        Assert.Equal((false, true), (Armed(stopped, brain), Armed(stopped, execution)));

        static bool Armed(FleetArms arms, NodeRecord node) => arms.IsNodeArmed(requiresArmed: true, node);
    }

    private static FleetArms Of(params (ArmScope Scope, bool? Armed)[] said) => FleetArms.Of(0,
    [
        .. said.Where(one => one.Armed is not null).Select((one, index) => new ArmRow
        {
            Scope = one.Scope,
            Armed = one.Armed!.Value,
            ArmEpoch = index + 1,
            Reason = "because",
            By = new Actor("olga", "http"),
            At = Noon,
        }),
    ]);
}
