using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Policy.Tests.Parity;

public sealed class ParityDeciderTests
{
    private const string Old = "old";
    private const string New = "new";
    private const string Third = "third";
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;
    private static readonly MemberWord Silent = new(false, false, false);
    private static readonly MemberWord Ready = new(true, false, false);
    private static readonly MemberWord Quiet = new(true, true, false);
    private static readonly MemberWord Gone = new(false, false, true);

    private static readonly NodeRecord Brain = new()
    {
        Node = "brain",
        Registration = 1,
        ParityGroup = "g",
        Group = new GroupPlace("d1", 1),
        FailureDomain = "d1",
        RegisteredAt = Now,
    };

    private static readonly Directive AtRest = new() { Epoch = 1, Target = Old };
    private static readonly Directive Forward = AtRest with
    {
        Epoch = 2,
        Target = New,
        Fallback = Old,
        Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("d1", new DomainCut(DomainCut.All, 9)),
    };

    private static readonly Directive Back = AtRest with { Epoch = 3 };
    private static readonly FleetParity Rest = new() { Base = AtRest, ReadAt = 1 };

    [Fact]
    public void A_group_goes_on_with_the_old_hash_until_all_are_prepared_then_denies_and_then_runs_the_new_one()
    {
        var parity = Under(Rest, Forward);
        Assert.Equal(new GroupStanding(ParityPhase.Prepare, Old, New), parity.StandingOf(Forward, Brain));
        Assert.Equal(Old, parity.StandingOf(Forward, Brain).ServedUnder(Forward));

        var begun = Step(parity, Forward, Ready, Silent)!;
        Assert.Equal([new ParitySwitch("g", 2, ParityPhase.Prepare, Old, Now)], begun.Put);
        Assert.Equal(Forward, begun.Base);
        Assert.Null(Step(begun.Next, Forward, Ready, Silent));

        var quiet = Step(begun.Next, Forward, Ready, Ready)!;
        Assert.Equal([new ParitySwitch("g", 2, ParityPhase.Quiesce, Old, Now)], quiet.Put);
        Assert.Null(quiet.Next.StandingOf(Forward, Brain).ServedUnder(Forward));
        Assert.Null(Step(quiet.Next, Forward, Quiet, Ready));

        var done = Step(quiet.Next, Forward, Quiet, Quiet)!;
        Assert.Equal(["g"], done.Committed);
        Assert.Empty(done.Next.Switches);
        Assert.Equal(New, done.Next.StandingOf(Forward, Brain).ServedUnder(Forward));
        Assert.Null(Step(done.Next, Forward, Quiet, Quiet));
    }

    [Fact]
    public void A_group_whose_hash_stays_does_not_switch_and_costs_no_write()
    {
        var more = AtRest with { Epoch = 2, ArmEpoch = 9 };

        Assert.Equal(ParityPhase.Commit, Under(Rest, more).StandingOf(more, Brain).Phase);
        Assert.Null(Step(Under(Rest, more), more, Silent));
    }

    [Fact]
    public void A_group_that_never_ran_anything_serves_nothing_until_it_is_prepared()
    {
        var first = Under(FleetParity.None, AtRest);
        var standing = first.StandingOf(AtRest, Brain);

        Assert.Equal((ParityPhase.Prepare, null), (standing.Phase, standing.ServedUnder(AtRest)));
        Assert.Equal(["g"], Step(first, AtRest, Quiet)!.Committed);
    }

    [Theory]
    [InlineData(ParityPhase.Prepare)]
    [InlineData(ParityPhase.Quiesce)]
    public void Taken_back_before_the_commit_a_group_is_where_it_was_at_once(ParityPhase phase)
    {
        var onTheWay = Under(OnTheWay(phase), Back);

        Assert.Equal((ParityPhase.Commit, Old), (onTheWay.StandingOf(Back, Brain).Phase, onTheWay.StandingOf(Back, Brain).ServedUnder(Back)));
        var step = Step(onTheWay, Back, Silent)!;
        Assert.Equal(["g"], step.Dropped);
        Assert.Empty(step.Next.Switches);
        Assert.Empty(step.Committed);
    }

    [Fact]
    public void Taken_back_after_the_commit_nobody_serves_until_all_are_on_the_old_hash()
    {
        var parity = Under(new FleetParity { Base = Forward, ReadAt = 2 }, Back);
        var standing = parity.StandingOf(Back, Brain);

        Assert.Equal((ParityPhase.Prepare, New, Old, null), (standing.Phase, standing.From, standing.To, standing.ServedUnder(Back)));
        Assert.Equal(["g"], Step(parity, Back, Quiet, Quiet)!.Committed);
    }

    [Fact]
    public void A_newer_directive_takes_the_place_of_the_switch_in_flight_and_its_old_hash_stays_the_old_one()
    {
        var third = Forward with { Epoch = 3, Target = Third };
        var parity = Under(OnTheWay(ParityPhase.Quiesce), third);

        Assert.Equal(new GroupStanding(ParityPhase.Prepare, Old, Third), parity.StandingOf(third, Brain));
        Assert.Equal([new ParitySwitch("g", 3, ParityPhase.Prepare, Old, Now)], Step(parity, third, Silent)!.Put);
    }

    [Fact]
    public void Of_a_directive_that_was_heard_without_its_groups_nothing_is_served()
    {
        var standing = Rest.StandingOf(Forward, Brain);

        Assert.Equal((ParityPhase.Prepare, null, New, null), (standing.Phase, standing.From, standing.To, standing.ServedUnder(Forward)));
        Assert.Throws<InvariantViolationException>(() => Step(Rest, Forward, Ready));
        Assert.Throws<InvariantViolationException>(() => Rest.StandingOf(AtRest, Brain with { ParityGroup = null }));
    }

    [Fact]
    public void Who_is_gone_is_not_waited_for_and_one_group_never_waits_for_another()
    {
        var other = Brain with { Node = "other", ParityGroup = "h", Registration = 2, Group = new GroupPlace("d1", 2) };
        var parity = Under(Rest, Forward);

        var step = ParityDecider.Decide(parity, Forward, [new GroupMembers(Brain, [Ready, Gone]), new GroupMembers(other, [Ready, Silent])], Now)!;

        Assert.Equal([ParityPhase.Quiesce, ParityPhase.Prepare], step.Put.Select(put => put.Phase));
        Assert.Equal(["g"], Step(parity, Forward, Quiet, Gone)!.Committed);
    }

    [Fact]
    public void A_switch_of_a_group_without_members_ends()
    {
        var step = ParityDecider.Decide(OnTheWay(ParityPhase.Quiesce), Forward, [], Now)!;

        Assert.Equal(["g"], step.Dropped);
        Assert.Empty(step.Next.Switches);
    }

    [Fact]
    public void A_member_does_not_go_back_within_an_epoch_and_serves_what_its_phase_lets_it()
    {
        var group = new GroupDirective("g", "d1", 1, ParityPhase.Prepare);
        var quiet = group with { Phase = ParityPhase.Quiesce };
        var done = group with { Phase = ParityPhase.Commit };

        Assert.True(group.IsBehind(quiet));
        Assert.True(quiet.IsBehind(done));
        Assert.False(done.IsBehind(group));
        Assert.False(group.IsBehind(null));
        Assert.False(group.IsBehind(done with { Registration = 2 }));
        Assert.False(group.IsBehind(done with { Name = "h" }));
        Assert.True(group.LetsServe(Old, New, Old));
        Assert.False(group.LetsServe(New, New, Old));
        Assert.False(group.LetsServe(null, New, null));
        Assert.False(quiet.LetsServe(Old, New, Old));
        Assert.True(done.LetsServe(New, New, null));
        Assert.False(done.LetsServe(Old, New, Old));
        Assert.False(done.LetsServe(null, null, null));
    }

    [Fact]
    public void Members_of_a_group_run_the_same_whatever_their_own_domain_and_number()
    {
        var late = Brain with { Node = "execution", Registration = 40, FailureDomain = "d2" };

        Assert.Equal(New, Cohorts.AssignedHash(Forward, late));
        Assert.Equal(Old, Cohorts.AssignedHash(Forward, late with { Group = null }));
    }

    private static FleetParity OnTheWay(ParityPhase phase) => new()
    {
        Base = Forward,
        Switches = ImmutableSortedDictionary<string, ParitySwitch>.Empty.Add("g", new ParitySwitch("g", 2, phase, Old, Now)),
        ReadAt = 2,
    };

    private static FleetParity Under(FleetParity parity, Directive directive) => parity with { ReadAt = directive.Epoch };

    private static ParityStep? Step(FleetParity parity, Directive directive, params MemberWord[] words) =>
        ParityDecider.Decide(parity, directive, [new GroupMembers(Brain, [.. words])], Now);
}
