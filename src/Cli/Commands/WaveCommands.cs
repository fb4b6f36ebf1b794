using System.Collections.Immutable;
using System.CommandLine;
using OrleansPolicy.Client;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl wave</c>: one bundle to several fleets, step by step, as one rollout.</summary>
internal static class WaveCommands
{
    public static Command Create(CliHost host) => new("wave", "One bundle to several fleets, step by step, as one rollout.")
    {
        Start(host), List(host), Status(host),
        Act(host, "pause", "Halt it: nothing further starts, and its rollouts in flight are paused.", (c, id, reason, stop) => c.PauseWaveAsync(id, reason, stop)),
        Act(host, "resume", "Go on with it and with its rollouts.", (c, id, reason, stop) => c.ResumeWaveAsync(id, reason, stop)),
        Act(host, "rollback", "Take every fleet back that it brought the bundle to.", (c, id, reason, stop) => c.RollBackWaveAsync(id, reason, stop)),
        Act(host, "end", "Give it up: what it brought stays, what is in flight is on its own.", (c, id, reason, stop) => c.EndWaveAsync(id, reason, stop)),
    };

    private static Command Start(CliHost host)
    {
        var reference = new Argument<string>("ref") { Description = "The bundle: a hash, a version, tag:NAME or tag:NAME@FLEET." };
        var file = new Argument<string>("plan") { Description = "The plan of every fleet as JSON; - is standard input." };
        var steps = new Argument<string[]>("step")
        {
            Description = "The fleets in order, as steps that follow each other; fleets that go side by side have a comma between them: eu-1 eu-2,us-1.",
            Arity = ArgumentArity.OneOrMore,
        };
        var onHalt = new Option<WaveOnHalt>("--on-halt") { Description = "Where a fleet's rollout goes back or pauses by itself: pause all, or rollback all.", DefaultValueFactory = _ => WaveOnHalt.Pause };
        var plans = new Option<string[]>("--plan-of") { Description = "Another plan for a fleet: FLEET=FILE. May be given again." };
        var waivers = new Option<string[]>("--waiver-of") { Description = "The waiver that a fleet's rollout uses: FLEET=ID. May be given again." };
        var critical = new Option<bool>("--critical") { Description = "Hold the plans to the bounds of critical subsystems." };
        var reason = ReasonOption.Create();
        return new Command("start", "Start one. Nothing starts where any fleet's rollout could not; all that is wrong is told at once.")
        {
            reference, file, steps, onHalt, plans, waivers, critical, reason,
        }.Does(host, async (context, cancellationToken) =>
        {
            var started = await context.Client.StartWaveAsync(
                new NewWave
                {
                    Fleets = [.. context.Get(steps).Select(step => step.Split(',', StringSplitOptions.TrimEntries).ToImmutableArray())],
                    Ref = context.Get(reference),
                    RolloutWedge = (await PlanFile.ReadAsync(context.Get(file), host, cancellationToken)).Plan,
                    Overrides = await ReadOverridesAsync(Pairs(context.Get(plans)), Pairs(context.Get(waivers)), host, cancellationToken),
                    Critical = context.Get(critical),
                    OnHalt = context.Get(onHalt),
                    Reason = context.Required(reason),
                },
                null, cancellationToken);
            context.Output.Answer(started, o => Print(o, started));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host) => new Command("ls", "Waves, newest first.").Does(host, async (context, cancellationToken) =>
    {
        var waves = await context.Client.ListWavesAsync(cancellationToken);
        context.Output.Answer(waves, o =>
        {
            var table = Show.Table("wave", "state", "step", "fleets", "target", "started", "by", "why");
            foreach (var wave in waves)
            {
                table.Row(
                    wave.WaveId, Show.Word(wave.State), $"{wave.Step}/{wave.Steps}", Steps(wave), Show.Hash(wave.Target), Show.Time(wave.StartedAt), wave.By,
                    wave.Why.Code);
            }

            o.Table(table);
        });
        return ExitCodes.Ok;
    });

    private static Command Status(CliHost host)
    {
        var wave = WaveArgument();
        return new Command("show", "One wave with the rollouts of its fleets.") { wave }.Does(host, async (context, cancellationToken) =>
        {
            var found = await context.Client.GetWaveAsync(context.Get(wave), cancellationToken);
            context.Output.Answer(found, o => Print(o, found));
            return ExitCodes.Ok;
        });
    }

    private static Command Act(
        CliHost host, string name, string description, Func<PolicyClient, string, string, CancellationToken, Task<WaveView>> act)
    {
        var wave = WaveArgument();
        var reason = ReasonOption.Create();
        return new Command(name, description) { wave, reason }.Does(host, async (context, cancellationToken) =>
        {
            var after = await act(context.Client, context.Get(wave), context.Required(reason), cancellationToken);
            context.Output.Answer(after, o => Print(o, after));
            return ExitCodes.Ok;
        });
    }

    private static Argument<string> WaveArgument() => new("wave") { Description = "The wave's id." };

    private static ImmutableArray<(string Fleet, string Value)> Pairs(string[]? texts) =>
    [
        .. (texts ?? []).Select(text => text.Split('=', 2) is [{ Length: > 0 } fleet, { Length: > 0 } value]
            ? (fleet, value)
            : throw CliException.Usage($"'{text}' is not of the form FLEET=VALUE.")),
    ];

    private static async Task<ImmutableArray<WaveOverride>> ReadOverridesAsync(
        ImmutableArray<(string Fleet, string File)> plans, ImmutableArray<(string Fleet, string Id)> waivers, CliHost host, CancellationToken cancellationToken)
    {
        var overrides = ImmutableArray.CreateBuilder<WaveOverride>();
        foreach (var fleet in plans.Select(plan => plan.Fleet).Concat(waivers.Select(waiver => waiver.Fleet)).Distinct())
        {
            var file = plans.FirstOrDefault(plan => plan.Fleet == fleet).File;
            overrides.Add(new WaveOverride(
                fleet, file is null ? null : (await PlanFile.ReadAsync(file, host, cancellationToken)).Plan,
                waivers.FirstOrDefault(waiver => waiver.Fleet == fleet).Id));
        }

        return overrides.ToImmutable();
    }

    private static string Steps(WaveView wave) =>
        string.Join(' ', wave.Fleets.GroupBy(fleet => fleet.Step).Select(step => string.Join(',', step.Select(fleet => fleet.Fleet))));

    private static void Print(CliOutput output, WaveView wave)
    {
        output.Facts(
        [
            ("wave", wave.WaveId), ("state", Show.Word(wave.State)), ("step", $"{wave.Step} of {wave.Steps}"), ("target", wave.Target),
            ("why", wave.Why.Sentence), ("next", wave.Why.Next), ("on halt", Show.Word(wave.OnHalt)), ("reason", wave.Reason),
            .. wave.NotReturned.Select(kept => ("not returned", (string?)$"{kept.Fleet}: {kept.Code}: {kept.Message}")),
        ]);
        var table = Show.Table("step", "fleet", "state", "share", "rollout", "why");
        foreach (var fleet in wave.Fleets)
        {
            table.Row(
                fleet.Step.ToString(System.Globalization.CultureInfo.InvariantCulture), fleet.Fleet, fleet.State is { } state ? Show.Word(state) : null,
                fleet.Percentage is { } share ? Show.Percent(share) : null, fleet.BackId ?? fleet.RolloutId, fleet.Why);
        }

        output.Table(table);
    }
}
