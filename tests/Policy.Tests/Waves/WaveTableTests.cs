using System.Collections.Immutable;
using System.Text;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Policy.Tests.Waves;

/// <summary>Every command and everything a look can find, in every state: what the documentation says is what the decider does.</summary>
public sealed class WaveTableTests
{
    private const string Begin = "<!-- waves: begin (checked by WaveTableTests) -->";
    private const string End = "<!-- waves: end -->";

    private static readonly (string Name, Wave Wave)[] States =
    [
        ("ACTIVE in a step", SomeWave.Opened),
        ("ACTIVE in the last step", InLastStep()),
        ("ACTIVE, `on_halt: rollback`", SomeWave.Opened with { OnHalt = WaveOnHalt.Rollback }),
        ("HALTED", Halted()),
        ("COMPLETE", InLastStep().Look(There(InLastStep()))),
        ("ROLLED_BACK, not over", SomeWave.Opened.Do(new WaveCommand.RollBack(SomeWave.Ada, "back"))),
        ("ROLLED_BACK", SomeWave.Opened.Do(new WaveCommand.RollBack(SomeWave.Ada, "back")).Look(SomeWave.NotBegun("eu-1", 0))),
        ("ENDED", SomeWave.Opened.Do(new WaveCommand.End(SomeWave.Ada, "enough"))),
    ];

    private static readonly (string Name, Func<Wave, WaveCommand> Make)[] Commands =
    [
        ("pause", _ => new WaveCommand.Pause(SomeWave.Ada, "wait")),
        ("resume", wave => new WaveCommand.Resume(SomeWave.Ada, "go on", InFlight(wave))),
        ("resume, a fleet went back", wave => new WaveCommand.Resume(SomeWave.Ada, "go on", Last(wave, RolloutPhase.RolledBack, RolloutReasons.Trigger))),
        ("rollback", _ => new WaveCommand.RollBack(SomeWave.Ada, "back")),
        ("end", _ => new WaveCommand.End(SomeWave.Ada, "enough")),
        ("nothing of the step has begun", wave => new WaveCommand.Look([.. Step(wave).Select(place => SomeWave.NotBegun(place.Fleet, place.Step))])),
        ("its rollouts are on their way", wave => new WaveCommand.Look(InFlight(wave))),
        ("every rollout of the step is complete", wave => new WaveCommand.Look(There(wave))),
        ("a fleet ran the bundle before its turn, the others are complete", wave => new WaveCommand.Look(WithLast(wave, There(wave), SomeWave.NotBegun("", 0, RolloutProblems.AlreadyRunning)))),
        ("a start is refused and it passes", wave => new WaveCommand.Look(WithLast(wave, There(wave), SomeWave.NotBegun("", 0, "admission.refused")))),
        ("a start is refused", wave => new WaveCommand.Look(WithLast(wave, InFlight(wave), SomeWave.NotBegun("", 0, RolloutProblems.Quarantined)))),
        ("a rollout paused by itself", wave => new WaveCommand.Look(Last(wave, RolloutPhase.Paused, RolloutReasons.ThreeWindows))),
        ("a person paused a rollout", wave => new WaveCommand.Look(Last(wave, RolloutPhase.Paused, RolloutReasons.PausedByOperator))),
        ("a rollout went back", wave => new WaveCommand.Look(Last(wave, RolloutPhase.RolledBack, RolloutReasons.Trigger))),
        ("the way back of every fleet has begun", wave => new WaveCommand.Look([.. Step(wave).Select(place => SomeWave.At(place.Fleet, place.Step, RolloutPhase.RolledBack))])),
        ("the same, one has moved on", wave => new WaveCommand.Look(
            WithLast(wave, There(wave), SomeWave.At("", 0, RolloutPhase.Complete) with { Refused = new Problem(RolloutProblems.MovedOn, "elsewhere") }))),
    ];

    [Fact]
    public void The_documentation_says_what_the_decider_does()
    {
        var text = Encoding.UTF8.GetString(Repository.Read("docs/ROLLOUTS.md"));
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, "docs/ROLLOUTS.md has no table of waves.");

        Assert.Equal(Table(), text[(begin + Begin.Length)..end].Trim());
    }

    [Fact]
    public void What_is_over_stays_as_it_is_whatever_is_seen()
    {
        foreach (var (name, wave) in States.Where(state => state.Wave.IsOver))
        {
            foreach (var (command, look) in Commands.Select(command => (command.Name, command.Make(wave) as WaveCommand.Look)).Where(one => one.Item2 is not null))
            {
                Assert.True(ReferenceEquals(wave, wave.Do(look!)), $"{command} changed a wave that is {name}");
            }
        }
    }

    private static string Table()
    {
        var table = new StringBuilder();
        table.Append("| command or finding | ").AppendJoin(" | ", States.Select(state => state.Name)).Append(" |\n|---|");
        table.Append(string.Concat(Enumerable.Repeat("---|", States.Length)));
        foreach (var (name, make) in Commands)
        {
            table.Append("\n| ").Append(name).Append(" | ").AppendJoin(" | ", States.Select(state => Cell(state.Wave, make(state.Wave)))).Append(" |");
        }

        return table.ToString();
    }

    private static string Cell(Wave wave, WaveCommand command)
    {
        var outcome = wave.Outcome(command);
        if (!outcome.Succeeded)
        {
            return $"`{outcome.Problems[0].Code}`";
        }

        var after = outcome.Value;
        return ReferenceEquals(after, wave) ? "stays"
            : after.State == WavePhase.Active ? wave.State == WavePhase.Active ? "next step" : "ACTIVE"
            : wave.State == WavePhase.RolledBack && after.NotReturned.IsEmpty ? "over"
            : wave.State == WavePhase.RolledBack ? "over, and says which fleet stays"
            : $"{WaveDecider.NameOf(after.State)}: `{after.Why.Code}`";
    }

    private static Wave InLastStep() => SomeWave.Opened.Look(There(SomeWave.Opened));

    private static Wave Halted() => InLastStep().Do(new WaveCommand.Pause(SomeWave.Ada, "wait"));

    private static IEnumerable<(string Fleet, int Step)> Step(Wave wave) => wave.Places().Where(place => place.Step == wave.Step);

    private static ImmutableArray<WaveFleet> There(Wave wave) => [.. Step(wave).Select(place => SomeWave.At(place.Fleet, place.Step, RolloutPhase.Complete))];

    private static ImmutableArray<WaveFleet> InFlight(Wave wave) => [.. Step(wave).Select(place => SomeWave.At(place.Fleet, place.Step, RolloutPhase.Active))];

    private static ImmutableArray<WaveFleet> Last(Wave wave, RolloutPhase phase, string why) =>
        WithLast(wave, InFlight(wave), SomeWave.At("", 0, phase, why, SomeWave.Now.AddMinutes(30)));

    private static ImmutableArray<WaveFleet> WithLast(Wave wave, ImmutableArray<WaveFleet> fleets, WaveFleet last) =>
        [.. fleets[..^1], last with { Fleet = fleets[^1].Fleet, Step = wave.Step }];
}
