using System.CommandLine;
using OrleansPolicy.Cli.Runbook;

namespace OrleansPolicy.Cli.Commands;

/// <summary><c>policyctl deploy --runbook</c>.</summary>
internal static class DeployCommand
{
    private const string Description =
        "Deploy a policy to both sides of a fleet by the runbook (docs/RUNBOOK.md): checklist, DISARM, execution side, brain side, handshake, ARM, and no rejection "
        + "for a window; else DISARM and roll back. Each step is written to a state file before and after it: --resume goes on after an interruption.\n\n"
        + "Exit codes: 0 deployed and verified; 1 the checklist does not hold, nothing was changed; 3, 4, 130 interrupted, go on with --resume; "
        + "6 the update limit refused for longer than --timeout: DISARMED, go on with --resume; 7 rolled back; 8 DISARMED and not proven to run what it ran before: somebody must look.";

    public static Command Create(CliHost host)
    {
        var runbook = new Option<bool>("--runbook") { Description = "By the runbook: the one way there is to deploy at once. Else start a rollout in stages.", Required = true };
        var fleet = new Option<string>("--fleet", "-f") { Description = "The fleet that has both sides.", Required = true };
        var reference = new Option<string?>("--ref") { Description = "The bundle: a hash, a version, tag:NAME. Needed unless --resume." };
        var execution = new Option<string>("--execution-role") { Description = "The role of the execution side's nodes.", DefaultValueFactory = _ => "execution" };
        var brain = new Option<string>("--brain-role") { Description = "The role of the brain side's nodes.", DefaultValueFactory = _ => "brain" };
        var window = new Option<double>("--window") { Description = "Seconds for which rejections must stay 0 after ARM.", DefaultValueFactory = _ => 300 };
        var timeout = new Option<double>("--timeout") { Description = "Seconds that a step waits for the nodes.", DefaultValueFactory = _ => 120 };
        var rearm = new Option<bool>("--rearm") { Description = "ARM again after a rollback that was verified (default: stay DISARMED until somebody arms)." };
        var state = new Option<string?>("--state") { Description = "The state file (default: runbook-FLEET.json here)." };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run of the state file, with what it was begun with." };
        var reason = new Option<string>("--reason", "-r") { Description = "Why; the audit keeps it.", DefaultValueFactory = _ => "policyctl deploy --runbook" };
        return new Command("deploy", Description) { runbook, fleet, reference, execution, brain, window, timeout, rearm, state, resume, reason }
            .Does(host, async (context, cancellationToken) =>
            {
                if (!context.Get(runbook) || context.Get(window) is not (> 0 and <= 86_400) || context.Get(timeout) is not (> 0 and <= 86_400))
                {
                    throw CliException.Usage("Say --runbook; --window and --timeout are more than 0 and at most 86400 s.");
                }

                var name = context.Required(fleet);
                var file = new RunbookFile(context.Get(state) ?? $"runbook-{name}.json");
                var kept = await file.FindAsync(host, cancellationToken);
                if (context.Get(resume))
                {
                    return await RunAsync(context, file, Resumed(context, name, file, kept), cancellationToken);
                }

                if (kept is { Outcome: null })
                {
                    throw CliException.Usage($"{file.Path} holds run {kept.RunId}, which has not ended: --resume goes on with it.");
                }

                var plan = await RunbookChecklist.CheckAsync(
                    context.Client, name, context.Get(reference) ?? throw CliException.Usage("Name a bundle with --ref, or --resume."), context.Required(execution),
                    context.Required(brain), context.Get(window), Say(context), cancellationToken);
                if (plan is null)
                {
                    context.Output.Error("runbook.checklist", "The checklist does not hold: nothing was changed.");
                    return ExitCodes.No;
                }

                var begun = new RunbookState
                {
                    RunId = Guid.NewGuid().ToString("N"),
                    Tenant = context.Tenant,
                    Fleet = name,
                    ExecutionRole = context.Required(execution),
                    BrainRole = context.Required(brain),
                    Version = plan.Version,
                    PolicyHash = plan.PolicyHash,
                    ComparedHash = plan.ComparedHash,
                    PreviousHash = plan.PreviousHash,
                    PreviousComparedHash = plan.PreviousComparedHash,
                    Reason = context.Required(reason),
                    WindowSec = context.Get(window),
                    TimeoutSec = context.Get(timeout),
                    Rearm = context.Get(rearm),
                    StartedAt = TimeProvider.System.GetUtcNow(),
                };
                return await RunAsync(context, file, begun, cancellationToken);
            });
    }

    private static RunbookState Resumed(CliContext context, string fleet, RunbookFile file, RunbookState? kept) => kept switch
    {
        null => throw CliException.File($"{file.Path} is not there: there is nothing to go on with."),
        _ when kept.Tenant != context.Tenant || kept.Fleet != fleet =>
            throw CliException.Usage($"{file.Path} holds a run of fleet {kept.Fleet} of tenant {kept.Tenant}."),
        _ => kept,
    };

    private static async Task<int> RunAsync(CliContext context, RunbookFile file, RunbookState state, CancellationToken cancellationToken)
    {
        var say = Say(context);
        var ended = await new RunbookRun(file, new RunbookSteps(context.RunbookClient, say), say, TimeProvider.System).ToEndAsync(state, cancellationToken);
        context.Output.Answer(ended, output => output.Line(ended.Outcome switch
        {
            RunbookOutcome.Deployed => $"DEPLOYED {ended.Version}: armed, verified, no rejection in {ended.WindowSec} s.",
            RunbookOutcome.RolledBack => $"ROLLED BACK to {Show.Hash(ended.PreviousHash)}: {ended.Failure}",
            _ => $"DISARMED, and somebody must look: {ended.Failure}",
        }));
        return ended.Outcome switch
        {
            RunbookOutcome.Deployed => ExitCodes.Ok,
            RunbookOutcome.RolledBack => ExitCodes.RolledBack,
            _ => ExitCodes.Stuck,
        };
    }

    private static Action<string> Say(CliContext context) => text =>
    {
        if (!context.Output.IsJson)
        {
            context.Output.Line(text);
        }
    };
}
