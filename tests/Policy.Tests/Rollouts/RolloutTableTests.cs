using System.Collections.Immutable;
using System.Text;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>Every command and everything a look can find, in every state: what the documentation says is what the decider does.</summary>
public sealed class RolloutTableTests
{
    private const string Begin = "<!-- table: begin (checked by RolloutTableTests) -->";
    private const string End = "<!-- table: end -->";

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private static readonly (string Name, Func<Fleet> Make)[] States =
    [
        ("no rollout", () => new Fleet()),
        ("PENDING", () => Changed(Started(), state => state with { Phase = RolloutPhase.Pending })),
        ("ACTIVE in the shadow stage", () => Started(Plan() with { Shadow = true, Backtest = new PlanBacktest(null, 1) })),
        ("ACTIVE at the initial percentage", () => Started(Plan() with { InitialPercentage = 1 })),
        ("ACTIVE in a stage", () => Started()),
        ("ACTIVE in the last stage", InLastStage),
        ("PAUSED", () => Done(Started(), new RolloutCommand.Pause(Fleet.Author, "wait"))),
        ("COMPLETE", () => Completed()),
        ("ROLLED_BACK, not over", () => RolledBack()),
        ("ROLLED_BACK", () => Over(RolledBack())),
        ("fast-track ACTIVE", () => FastTracked()),
        ("fast-track COMPLETE", () => Over(FastTracked())),
    ];

    private static readonly (string Name, Func<Fleet, Outcome<ImmutableArray<RolloutEvent>>> Do)[] Commands =
    [
        ("start", fleet => fleet.StartRollout(Plan())),
        ("start, the line stopped", fleet => Stopped(fleet).StartRollout(Plan())),
        ("start, within a freeze window", fleet => Frozen(fleet).StartRollout(Plan())),
        ("start, as many of the tenant in flight as may be", fleet => Capped(fleet).StartRollout(Plan())),
        ("set baseline (fleet without a bundle)", fleet => fleet.Do(new RolloutCommand.SetBaseline(
            "default", "b1", "edge", Fleet.V1, "first", Fleet.Author, 3600, "00", new Directive { Epoch = 0 }, 3))),
        ("pause", fleet => fleet.Do(new RolloutCommand.Pause(Fleet.Author, "wait"))),
        ("resume", fleet => fleet.Do(new RolloutCommand.Resume(Fleet.Author, "go on"))),
        ("approve, by another person", fleet => fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine"))),
        ("approve, by the author", fleet => fleet.Do(new RolloutCommand.Approve(Fleet.Author, "fine"))),
        ("attest a criterion for a person", fleet => With(fleet, plan => plan with
        {
            Stages = [.. plan.Stages.Select(stage => stage with { SuccessCriteria = ["looks fine"] })],
        }).Do(new RolloutCommand.Attest(Fleet.Author, "looks fine", true, "it does"))),
        ("attest another criterion", fleet => fleet.Do(new RolloutCommand.Attest(Fleet.Author, "error_rate < 1%", true, "it is"))),
        ("roll back, by an operator", fleet => fleet.Do(new RolloutCommand.RollBack(Fleet.Author, "back", fleet.Directive))),
        ("fast-track of the same id", fleet => fleet.Do(new RolloutCommand.FastTrack(
            "default", "r1", "edge", Fleet.V0, "back", Fleet.Author, 60, fleet.Directive, fleet.Now))),
        ("another fast-track takes the fleet", fleet => fleet.Do(new RolloutCommand.Supersede(Fleet.Author, "back", "f2", fleet.Directive.Epoch + 1))),
        ("window running, anything short of FAIL", fleet => LookAfter(fleet, Window / 2)),
        ("window and duration passed, PASS, nodes ACKed, approved", fleet => LookAfter(Approved(fleet), Window)),
        ("the same, the line stopped", fleet => LookAfter(Stopped(Approved(fleet)), Window)),
        ("the same, within a freeze window", fleet => LookAfter(Frozen(Approved(fleet)), Window)),
        ("the same without approval", fleet => LookAfter(fleet, Window)),
        ("the same, too few nodes ACKed", fleet => LookAfter(Approved(fleet), Window, fleet => fleet.Unacked = 3)),
        ("FAIL, `on_fail: hold`", fleet => LookAfter(fleet, Window, fleet => fleet.ErrorRate = 0.02)),
        ("FAIL, `on_fail: freeze`", fleet => LookAfter(With(fleet, plan => plan with { OnFail = OnFail.Freeze }), Window / 2, fleet => fleet.ErrorRate = 0.02)),
        ("FAIL, `on_fail: rollback`", fleet => LookAfter(With(fleet, plan => plan with { OnFail = OnFail.Rollback }), Window / 2, fleet => fleet.ErrorRate = 0.02)),
        ("window passed, INCONCLUSIVE, `on_inconclusive: hold`", fleet => LookAfter(fleet, Window, fleet => fleet.Decisions = 0)),
        ("the same, `extend`", fleet => LookAfter(With(fleet, plan => plan with { OnInconclusive = OnInconclusive.Extend }), Window, fleet => fleet.Decisions = 0)),
        ("the same, `extend`, a second time", fleet => LookAfter(
            With(Changed(fleet, state => state with { Extended = true }), plan => plan with { OnInconclusive = OnInconclusive.Extend }), Window, fleet => fleet.Decisions = 0)),
        ("the same, `rollback`", fleet => LookAfter(With(fleet, plan => plan with { OnInconclusive = OnInconclusive.Rollback }), Window, fleet => fleet.Decisions = 0)),
        ("no success for three windows", fleet => LookAfter(fleet, 3 * Window, fleet => fleet.Decisions = 0)),
        ("rollback trigger fires", fleet => LookAfter(fleet, TimeSpan.FromSeconds(1), fleet => fleet.ErrorRate = 0.06)),
        ("the same, the line stopped", fleet => LookAfter(Stopped(fleet), TimeSpan.FromSeconds(1), fleet => fleet.ErrorRate = 0.06)),
        ("blast radius exceeded", fleet => LookAfter(With(fleet, plan => plan with { MaxBlastRadius = 30 }), TimeSpan.FromSeconds(1), fleet => fleet.OnTarget = 31)),
        ("NACKs beyond the budget", fleet => LookAfter(fleet, TimeSpan.FromSeconds(1), fleet => fleet.Nacked = 1)),
        ("the epoch is raised", fleet => fleet.Do(new RolloutCommand.RaiseEpoch(Fleet.Author, "restored", fleet.Directive with { Epoch = 50 }))),
        ("nodes know a higher epoch, and a trigger fires", fleet => LookAfter(fleet, TimeSpan.FromSeconds(1), fleet => (fleet.EpochBehind, fleet.ErrorRate) = (50, 0.06))),
        ("every node returned or is fenced", fleet => LookAfter(fleet, TimeSpan.FromSeconds(1), fleet => fleet.Waiting = 0)),
        ("a node has neither returned nor is it fenced", fleet => LookAfter(fleet, TimeSpan.FromSeconds(1), fleet => fleet.Waiting = 1)),
        ("the same beyond the deadline", fleet => LookAfter(fleet, TimeSpan.FromSeconds(61), fleet => fleet.Waiting = 1)),
        ("samples could not arrive for a while", fleet => LookAfter(fleet, Window, fleet => fleet.ObservingSince = fleet.Now)),
    ];

    private static readonly Lazy<string> Documented = new(ReadDocumented);

    /// <summary>Each cell: its row from 0 on, the row's name and the state.</summary>
    public static TheoryData<int, string, string> Cells
    {
        get
        {
            var cells = new TheoryData<int, string, string>();
            for (var row = 0; row < Commands.Length; row++)
            {
                foreach (var (state, _) in States)
                {
                    cells.Add(row, Commands[row].Name, state);
                }
            }

            return cells;
        }
    }

    [Fact]
    public void The_documentation_says_what_the_decider_does() => Assert.Equal(Table(), Documented.Value);

    [Theory]
    [MemberData(nameof(Cells))]
    public void Each_cell_says_what_the_decider_does(int row, string command, string state)
    {
        var cells = Documented.Value.Split('\n')[row + 2].Split(" | ");
        var column = Array.FindIndex(States, one => one.Name == state);

        Assert.Equal($"| {command}", cells[0]);
        Assert.Equal(Cell(States[column].Make(), Commands[row].Do), cells[column + 1].TrimEnd(' ', '|'));
    }

    [Fact]
    public void Everything_that_can_happen_to_a_rollout_happens_in_a_cell()
    {
        var happened = new HashSet<Type>();
        foreach (var (_, act) in Commands)
        {
            foreach (var (_, make) in States)
            {
                happened.UnionWith(act(make()) is { Succeeded: true } outcome ? outcome.Value.Select(e => e.GetType()) : []);
            }
        }

        Assert.Equal(
            typeof(RolloutEvent).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(RolloutEvent)) && !type.IsAbstract).Select(type => type.Name).Order(),
            happened.Select(type => type.Name).Order());
    }

    [Fact]
    public void No_cell_is_empty_and_every_final_state_stays()
    {
        foreach (var (command, act) in Commands)
        {
            foreach (var (name, make) in States)
            {
                Assert.NotEmpty(Cell(make(), act));
                if (name is "COMPLETE" or "ROLLED_BACK" or "fast-track COMPLETE")
                {
                    var fleet = make();
                    var before = fleet.State;
                    act(fleet);
                    Assert.True(before!.Revision == fleet.Rollout.Revision, $"{command} changed a rollout that is {name}");
                }
            }
        }
    }

    [Theory]
    [InlineData("PENDING")]
    [InlineData("ACTIVE at the initial percentage")]
    [InlineData("ACTIVE in a stage")]
    [InlineData("ACTIVE in the last stage")]
    [InlineData("PAUSED")]
    public void Rollback_returns_every_node_from_every_state_that_is_not_final(string name)
    {
        foreach (var (command, act) in Commands.Where(command => command.Name is "roll back, by an operator" or "rollback trigger fires"
            or "blast radius exceeded" or "NACKs beyond the budget"))
        {
            var fleet = States.Single(state => state.Name == name).Make();
            var epoch = fleet.Directive.Epoch;

            act(fleet);

            Assert.True(fleet.Rollout.Phase == RolloutPhase.RolledBack, command);
            Assert.True(fleet.Directive is { AtRest: true, Target: Fleet.V1 } && fleet.Directive.Epoch == epoch + 1, command);
            Assert.All(fleet.Nodes, node => Assert.Equal(Fleet.V1, Cohorts.AssignedHash(fleet.Directive, node)));
        }
    }

    [Fact]
    public void What_paused_it_stays_the_reason_while_nodes_know_a_higher_epoch()
    {
        var fleet = States.Single(state => state.Name == "PAUSED").Make();
        var why = fleet.Rollout.Why;

        var looked = LookAfter(fleet, Window, seen => (seen.EpochBehind, seen.ErrorRate) = (50, 0.06));

        Assert.IsType<RolloutEvent.Judged>(looked.Value.Single());
        Assert.Equal((RolloutReasons.PausedByOperator, why), (why.Code, fleet.Rollout.Why));
    }

    private static string ReadDocumented()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "docs", "ROLLOUTS.md"));
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, "docs/ROLLOUTS.md has no table.");
        return text[(begin + Begin.Length)..end].Trim();
    }

    private static string Table()
    {
        var table = new StringBuilder();
        table.Append("| command or finding | ").AppendJoin(" | ", States.Select(state => state.Name)).Append(" |\n|---|");
        table.Append(string.Concat(Enumerable.Repeat("---|", States.Length)));
        foreach (var (name, act) in Commands)
        {
            table.Append("\n| ").Append(name).Append(" | ").AppendJoin(" | ", States.Select(state => Cell(state.Make(), act))).Append(" |");
        }

        return table.ToString();
    }

    private static string Cell(Fleet fleet, Func<Fleet, Outcome<ImmutableArray<RolloutEvent>>> act)
    {
        var before = fleet.State?.Phase;
        var outcome = act(fleet);
        if (!outcome.Succeeded)
        {
            return $"`{outcome.Problems[0].Code}`";
        }

        return outcome.Value.SingleOrDefault() switch
        {
            null => "nothing",
            RolloutEvent.Judged { Unobserved.Ticks: > 0 } => "clocks move on",
            RolloutEvent.Judged judged => fleet.Rollout.Phase == RolloutPhase.Active ? $"stays: `{judged.Why.Code}`" : "stays",
            RolloutEvent.Started { State.Kind: RolloutKind.Baseline } => "COMPLETE: baseline",
            RolloutEvent.Started { State.Kind: RolloutKind.FastTrack } => "fast-track ACTIVE (RWG-003)",
            RolloutEvent.Started => "ACTIVE in stage 1",
            RolloutEvent.Advanced { Code: null } => "steps up to the stage's target",
            RolloutEvent.Advanced advanced => $"next stage ({advanced.Code})",
            RolloutEvent.Extended => "one more window",
            RolloutEvent.Paused paused => $"PAUSED (RWG-002): `{paused.Why.Code}`",
            RolloutEvent.Resumed => "ACTIVE, a full new window",
            RolloutEvent.Approved => "approved",
            RolloutEvent.Attested => "attested",
            RolloutEvent.RolledBack back => $"ROLLED_BACK (RWG-003): `{back.Why.Code}`",
            RolloutEvent.Completed => "COMPLETE (RWG-004)",
            RolloutEvent.Superseded => before == RolloutPhase.RolledBack ? "superseded" : "ROLLED_BACK (RWG-003): `rollback.superseded`",
            RolloutEvent.EpochRaised => "goes on under it",
            RolloutEvent.Returning => "waits",
            RolloutEvent.Overdue => "waits: `rollback.overdue`",
            RolloutEvent.Over => fleet.Rollout.Kind == RolloutKind.FastTrack ? "COMPLETE (RWG-004)" : "over",
            var other => throw new InvalidOperationException(other.ToString()),
        };
    }

    private static Fleet Stopped(Fleet fleet)
    {
        fleet.Restraints = new Restraints { Line = new LineStop(Fleet.Author, "incident", fleet.Now) };
        return fleet;
    }

    private static Fleet Frozen(Fleet fleet)
    {
        fleet.Restraints = new Restraints { Windows = [FreezeTimesTests.Window("2026-11-20T00:00", "2026-11-27T00:00", zone: "UTC")] };
        return fleet;
    }

    private static Fleet Capped(Fleet fleet)
    {
        fleet.Restraints = new Restraints { Caps = new TenantCaps(1, null, "one at a time", Fleet.Author, fleet.Now) };
        fleet.InFlight = [Started().Rollout];
        return fleet;
    }

    private static RolloutPlan Plan() => Fleet.Plan(5, 20, 100) with { IncrementPolicy = IncrementPolicy.Manual };

    private static Fleet Started(RolloutPlan? plan = null)
    {
        var fleet = new Fleet();
        fleet.StartRollout(plan ?? Plan());
        return fleet;
    }

    private static Fleet InLastStage()
    {
        var fleet = Started();
        LookAfter(Approved(fleet), Window);
        LookAfter(Approved(fleet), Window);
        return fleet;
    }

    private static Fleet Completed()
    {
        var fleet = InLastStage();
        LookAfter(fleet, Window);
        return fleet;
    }

    private static Fleet RolledBack() => Waiting(Done(Started(), fleet => new RolloutCommand.RollBack(Fleet.Author, "back", fleet.Directive)));

    private static Fleet Waiting(Fleet fleet)
    {
        fleet.Waiting = 1;
        return fleet;
    }

    private static Fleet FastTracked()
    {
        var fleet = new Fleet();
        fleet.Do(new RolloutCommand.FastTrack("default", "r1", "edge", Fleet.V0, "back", Fleet.Author, 60, fleet.Directive, fleet.Now));
        return Waiting(fleet);
    }

    private static Fleet Over(Fleet fleet)
    {
        fleet.Waiting = 0;
        fleet.Look();
        return fleet;
    }

    private static Fleet Approved(Fleet fleet)
    {
        if (fleet.State is { Plan: { } plan } state && RolloutLook.NeedsApproval(state, plan))
        {
            fleet.Do(new RolloutCommand.Approve(Fleet.Approver, "fine"));
        }

        return fleet;
    }

    private static Fleet With(Fleet fleet, Func<RolloutPlan, RolloutPlan> change) =>
        Changed(fleet, state => state with { Plan = state.Plan is { } plan ? change(plan) : null });

    private static Fleet Changed(Fleet fleet, Func<RolloutState, RolloutState> change)
    {
        fleet.State = fleet.State is null ? null : change(fleet.State);
        return fleet;
    }

    private static Fleet Done(Fleet fleet, RolloutCommand command) => Done(fleet, _ => command);

    private static Fleet Done(Fleet fleet, Func<Fleet, RolloutCommand> command)
    {
        fleet.Do(command(fleet));
        return fleet;
    }

    // Time passes, watched by a control plane that wrote its heartbeat a second ago.
    private static Outcome<ImmutableArray<RolloutEvent>> LookAfter(Fleet fleet, TimeSpan time, Action<Fleet>? meanwhile = null)
    {
        fleet.Now += time;
        Changed(fleet, state => state with { SeenAt = fleet.Now - TimeSpan.FromSeconds(1) });
        meanwhile?.Invoke(fleet);
        return fleet.State is null ? fleet.Do(new RolloutCommand.Observe(fleet.See(true)) { Restraints = fleet.Restraints }) : fleet.Look();
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orleans.Policy.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The solution is not above the tests.");
        }

        return folder;
    }
}
