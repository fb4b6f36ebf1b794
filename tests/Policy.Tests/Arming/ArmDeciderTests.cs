using OrleansPolicy.Arming;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Policy.Tests.Arming;

public sealed class ArmDeciderTests
{
    private const long Last = 2_000_000_000_000;
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly ArmScope Fleet = new("t", "f");
    private static readonly Actor Olga = new("olga", "http", "key-1");
    private static readonly Actor Piet = new("piet", "http", "key-2");

    [Fact]
    public void Arming_what_was_never_armed_takes_one_person()
    {
        var row = Decide(null, Arm(Olga));

        Assert.Equal((true, Last + 1, false, Noon, "go"), (row.Armed, row.ArmEpoch, row.Emergency, row.At, row.Reason));
        Assert.False(ArmDecider.Waits(row));
    }

    [Fact]
    public void Arming_what_is_armed_changes_nothing()
    {
        var row = Decide(null, Arm(Olga));

        Assert.Same(row, Decide(row, Arm(Piet)));
    }

    [Fact]
    public void Numbers_go_with_the_time_and_never_back()
    {
        Assert.Equal(Noon.ToUnixTimeMilliseconds(), ArmDecider.Decide(null, Arm(Olga), 5, Noon).Value!.ArmEpoch);
        Assert.Equal(Last + 1, ArmDecider.Decide(null, Arm(Olga), Last, Noon).Value!.ArmEpoch);
    }

    [Theory]
    [InlineData(null, null, null, false, true)]
    [InlineData("t", null, null, false, true)]
    [InlineData("t", "f", null, false, false)]
    [InlineData("t", "f", "n", false, false)]
    [InlineData(null, null, null, true, false)]
    public void Stopping_everything_is_an_emergency_and_stopping_a_part_is_a_step(string? tenant, string? fleet, string? node, bool saysNo, bool emergency)
    {
        var row = Decide(null, new ArmCommand.Disarm(new ArmScope(tenant, fleet, node), Olga, "stop", saysNo ? false : null));

        Assert.Equal((false, emergency), (row.Armed, row.Emergency));
    }

    [Fact]
    public void After_a_plain_disarm_one_person_arms()
    {
        var row = Decide(Decide(null, Disarm()), Arm(Olga));

        Assert.True(row.Armed);
    }

    [Fact]
    public void After_an_emergency_two_people_arm()
    {
        var stopped = Decide(null, Disarm(emergency: true));

        var waits = Decide(stopped, Arm(Olga));
        var again = Decide(waits, Arm(Olga, newId: "other"));
        var armed = Decide(waits, Arm(Piet, pendingId: "p1"));

        Assert.Equal((false, stopped.ArmEpoch, true), (waits.Armed, waits.ArmEpoch, ArmDecider.Waits(waits)));
        Assert.Equal(("p1", Olga, Noon), (waits.Pending!.PendingId, waits.Pending.By, waits.Pending.At));
        Assert.Same(waits, again);
        Assert.Equal((true, false, Piet), (armed.Armed, armed.Emergency, armed.By));
        Assert.Null(armed.Pending);
        Assert.False(ArmDecider.Waits(armed));
    }

    [Fact]
    public void The_second_person_is_another_one_by_every_key()
    {
        var waits = Decide(Decide(null, Disarm(emergency: true)), Arm(Olga));

        Assert.Equal(ArmDecider.SamePerson, Refused(waits, Arm(Olga, pendingId: "p1")));
        Assert.Equal(ArmDecider.SamePerson, Refused(waits, Arm(Olga with { KeyId = "another-key" }, pendingId: "p1")));
        Assert.Equal(ArmDecider.SamePerson, Refused(waits, Arm(new Actor("puppet", "http", "key-3", ["olga"]), pendingId: "p1")));
    }

    [Fact]
    public void A_request_that_was_voided_or_never_was_completes_nothing()
    {
        var waits = Decide(Decide(null, Disarm(emergency: true)), Arm(Olga));
        var stoppedAgain = Decide(waits, Disarm());

        Assert.Equal(ArmDecider.PendingVoid, Refused(null, Arm(Piet, pendingId: "p1")));
        Assert.Equal(ArmDecider.PendingVoid, Refused(waits, Arm(Piet, pendingId: "p2")));
        Assert.Equal(ArmDecider.PendingVoid, Refused(stoppedAgain, Arm(Piet, pendingId: "p1")));
        Assert.Equal(ArmDecider.PendingVoid, Refused(Decide(waits, Arm(Piet, pendingId: "p1")), Arm(Piet, pendingId: "p1")));
    }

    [Fact]
    public void A_request_waits_an_hour()
    {
        var waits = Decide(Decide(null, Disarm(emergency: true)), Arm(Olga));

        Assert.Equal(ArmDecider.PendingVoid, ArmDecider.Decide(waits, Arm(Piet, pendingId: "p1"), Last, Noon + ArmDecider.PendingFor).Problems[0].Code);
        var anew = ArmDecider.Decide(waits, Arm(Piet, newId: "p2"), Last, Noon + ArmDecider.PendingFor).Value!;
        Assert.Equal(("p2", Piet), (anew.Pending!.PendingId, anew.Pending.By));
    }

    [Fact]
    public void A_plain_disarm_makes_no_end_of_an_emergency_and_each_disarm_is_a_new_one()
    {
        var stopped = Decide(null, Disarm(emergency: true));

        var again = ArmDecider.Decide(stopped, Disarm(emergency: false), stopped.ArmEpoch, Noon).Value!;

        Assert.Equal((true, stopped.ArmEpoch + 1), (again.Emergency, again.ArmEpoch));
        Assert.False(Decide(Decide(Decide(stopped, Arm(Olga)), Arm(Piet, pendingId: "p1")), Disarm()).Emergency);
    }

    private static ArmCommand.Disarm Disarm(bool? emergency = null) => new(Fleet, Olga, "stop", emergency);

    private static ArmCommand.Arm Arm(Actor by, string? pendingId = null, string newId = "p1") => new(Fleet, by, "go", pendingId, newId);

    private static ArmRow Decide(ArmRow? row, ArmCommand command) => ArmDecider.Decide(row, command, Last, Noon).Value!;

    private static string Refused(ArmRow? row, ArmCommand command) => ArmDecider.Decide(row, command, Last, Noon).Problems[0].Code;
}
