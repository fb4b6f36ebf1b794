using System.CommandLine;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl rollout</c>: validate plans, start rollouts, watch and steer them.</summary>
internal static class RolloutCommands
{
    public static Command Create(CliHost host) => new("rollout", "Validate plans, start rollouts, watch and steer them.")
    {
        Validate(host), Start(host), List(host), Status(host), Watch(host),
        Act(host, "pause", "Stop a rollout's clock.", (c, id, reason, stop) => c.PauseRolloutAsync(id, reason, stop)),
        Act(host, "resume", "Go on, with a full new window.", (c, id, reason, stop) => c.ResumeRolloutAsync(id, reason, stop)),
        Approve(host),
        Attest(host),
        RollBack(host),
        Why(host),
    };

    private static Argument<string> RolloutArgument() => new("rollout") { Description = "The rollout's id." };

    private static Option<bool> CriticalOption() => new("--critical") { Description = "Hold the plan to the bounds of critical subsystems." };

    private static Command Validate(CliHost host)
    {
        var file = new Argument<string>("plan") { Description = "The plan as JSON, or a change summary or proposal around it; - is standard input." };
        var fleet = new Option<string?>("--fleet") { Description = "Check it against this fleet's size, and show nodes." };
        var critical = CriticalOption();
        return new Command("validate", "Check a plan, all errors at once. Exit code 1: it is not valid.") { file, fleet, critical }
            .Does(host, async (context, cancellationToken) =>
            {
                var plan = await PlanFile.ReadAsync(context.Get(file), host, cancellationToken);
                var verdict = await context.Client.ValidatePlanAsync(plan.Plan, context.Get(fleet), context.Get(critical), cancellationToken);
                context.Output.Answer(verdict, o => PlanTable.Print(o, plan, verdict));
                return verdict.Valid ? ExitCodes.Ok : ExitCodes.No;
            });
    }

    private static Command Start(CliHost host)
    {
        var fleet = new Argument<string>("fleet") { Description = "The fleet." };
        var reference = new Argument<string>("ref") { Description = "The bundle: a hash, a version, tag:NAME or tag:NAME@FLEET." };
        var file = new Argument<string>("plan") { Description = "The plan as JSON; - is standard input." };
        var (reason, critical, wait) = (ReasonOption.Create(), CriticalOption(), Waiting.Option());
        var waiver = new Option<string?>("--waiver") { Description = "The waiver that it uses: of the multi-stage rule, or of the backtest." };
        var watch = new Option<bool>("--watch") { Description = "Then watch it to its end." };
        return new Command("start", "Start a rollout.") { fleet, reference, file, reason, critical, waiver, wait, watch }.Does(host, async (context, cancellationToken) =>
        {
            var request = new NewRollout
            {
                Fleet = context.Get(fleet),
                Ref = context.Get(reference),
                RolloutWedge = (await PlanFile.ReadAsync(context.Get(file), host, cancellationToken)).Plan,
                Critical = context.Get(critical),
                WaiverId = context.Get(waiver),
                Reason = context.Required(reason),
            };
            var started = await Waiting.ForAdmissionAsync(
                context, context.Get(wait), client => client.StartRolloutAsync(request, null, cancellationToken), cancellationToken);
            if (context.Get(watch))
            {
                return await RolloutWatch.RunAsync(context, started.RolloutId, cancellationToken);
            }

            context.Output.Answer(started, o => PrintRollout(o, started));
            return ExitCodes.Ok;
        });
    }

    private static Command List(CliHost host)
    {
        var fleet = new Option<string?>("--fleet") { Description = "Only of this fleet." };
        return new Command("ls", "The rollouts, newest first.") { fleet }.Does(host, async (context, cancellationToken) =>
        {
            var rollouts = await context.Client.ListRolloutsAsync(context.Get(fleet), cancellationToken);
            context.Output.Answer(rollouts, o =>
            {
                var table = Cli.Show.Table("rollout", "kind", "fleet", "state", "stage", "share", "target", "started", "why");
                foreach (var r in rollouts)
                {
                    table.Row(
                        r.RolloutId, Cli.Show.Word(r.Kind), r.Fleet, Cli.Show.Word(r.State), r.StageId, Cli.Show.Percent(r.Percentage),
                        Cli.Show.Hash(r.Target), Cli.Show.Time(r.StartedAt), r.Why.Code);
                }

                o.Table(table);
            });
            return ExitCodes.Ok;
        });
    }

    private static Command Status(CliHost host)
    {
        var rollout = RolloutArgument();
        return new Command("status", "One rollout.") { rollout }.Does(host, async (context, cancellationToken) =>
        {
            var found = await context.Client.GetRolloutAsync(context.Get(rollout), cancellationToken);
            context.Output.Answer(found, o => PrintRollout(o, found));
            return ExitCodes.Ok;
        });
    }

    private static Command Watch(CliHost host)
    {
        var rollout = RolloutArgument();
        return new Command("watch", "Watch a rollout to its end. Exit code 1: it was taken back.") { rollout }
            .Does(host, (context, cancellationToken) => RolloutWatch.RunAsync(context, context.Get(rollout), cancellationToken));
    }

    private static Command Act(
        CliHost host, string name, string description, Func<PolicyClient, string, string, CancellationToken, Task<RolloutView>> act)
    {
        var rollout = RolloutArgument();
        var reason = ReasonOption.Create();
        return new Command(name, description) { rollout, reason }.Does(host, async (context, cancellationToken) =>
        {
            var after = await act(context.Client, context.Get(rollout), context.Required(reason), cancellationToken);
            context.Output.Answer(after, o => PrintRollout(o, after));
            return ExitCodes.Ok;
        });
    }

    private static Command Approve(CliHost host)
    {
        var rollout = RolloutArgument();
        var stage = new Option<string?>("--stage") { Description = "The stage that you looked at: refused where the rollout is in another one by now (default: the one it is in)." };
        var reason = ReasonOption.Create();
        return new Command("approve", "Let a manual plan leave its stage.") { rollout, stage, reason }.Does(host, async (context, cancellationToken) =>
        {
            // Named even so: what is sent twice must not count for the next stage too.
            var id = context.Get(rollout);
            var meant = context.Get(stage) ?? (await context.Client.GetRolloutAsync(id, cancellationToken)).StageId;
            var after = await context.Client.ApproveRolloutAsync(id, context.Required(reason), meant, cancellationToken);
            context.Output.Answer(after, o => PrintRollout(o, after));
            return ExitCodes.Ok;
        });
    }

    private static Command Attest(CliHost host)
    {
        var rollout = RolloutArgument();
        var criterion = new Argument<string>("criterion") { Description = "The criterion, as it stands in the plan." };
        var notMet = new Option<bool>("--not-met") { Description = "It is not met." };
        var reason = ReasonOption.Create();
        return new Command("attest", "Say that a criterion for a person is met in the current stage, or is not.") { rollout, criterion, notMet, reason }
            .Does(host, async (context, cancellationToken) =>
            {
                var after = await context.Client.AttestAsync(
                    context.Get(rollout), context.Get(criterion), !context.Get(notMet), context.Required(reason), cancellationToken);
                context.Output.Answer(after, o => PrintRollout(o, after));
                return ExitCodes.Ok;
            });
    }

    private static Command RollBack(CliHost host)
    {
        var rollout = RolloutArgument();
        var (reason, wait) = (ReasonOption.Create(), ReturnWatch.Option());
        return new Command("rollback", "Take a rollout back, and tell how long that took.") { rollout, reason, wait }
            .Does(host, async (context, cancellationToken) => await ReturnWatch.RunAsync(
                context, await context.Client.RollBackAsync(context.Get(rollout), context.Required(reason), cancellationToken), context.Get(wait),
                cancellationToken));
    }

    private static Command Why(CliHost host)
    {
        var rollout = RolloutArgument();
        return new Command("why", "Why a rollout stands where it stands.") { rollout }.Does(host, async (context, cancellationToken) =>
        {
            var why = await context.Client.WhyRolloutAsync(context.Get(rollout), cancellationToken);
            context.Output.Answer(why, o => o.Why(why));
            return ExitCodes.Ok;
        });
    }

    private static void PrintRollout(CliOutput output, RolloutView rollout)
    {
        PrintFacts(output, rollout);
        ShadowText.Print(output, rollout.Shadow);
    }

    private static void PrintFacts(CliOutput output, RolloutView rollout) => output.Facts(
    [
        ("rollout", rollout.RolloutId), ("fleet", rollout.Fleet), ("state", Cli.Show.Word(rollout.State)), ("stage", rollout.StageId),
        ("share", Cli.Show.Percent(rollout.Percentage)), ("target", rollout.Target), ("fallback", rollout.Fallback),
        ("nodes", rollout.Nodes is { } n ? $"{n.Acked} of {n.Assigned} assigned ACKed, {n.Nacked} NACKed, {n.Silent} silent, {n.Fenced} fenced" : null),
        ("why", rollout.Why.Sentence), ("next", rollout.Why.Next), ("reason", rollout.Reason), ("waiver", rollout.WaiverId),
        ("waiver of freeze windows", rollout.FreezeWaiverId),
        .. ReturnWatch.Facts(rollout.Rollback),
    ]);
}
