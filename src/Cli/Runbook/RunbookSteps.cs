using System.Diagnostics;
using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>The steps, in the runbook's words. Each does the same however often it is begun.</summary>
internal sealed class RunbookSteps(PolicyClient client, Action<string> say)
{
    private static readonly TimeSpan ConfirmWait = TimeSpan.FromSeconds(10);

    /// <summary>Does the step of a run; what it found out is in the state that it gives back.</summary>
    /// <exception cref="RunbookFailureException">The step's answer is no.</exception>
    public async Task<RunbookState> DoAsync(RunbookState run, CancellationToken cancellationToken)
    {
        var sides = new RunbookSides(client, run);
        switch (run.Step)
        {
            case RunbookStep.Disarm:
                say("Step 1: DISARM Execution (if not already)");
                await DisarmAsync(run, "Pre-deployment disarm", cancellationToken);
                return run;
            case RunbookStep.Execution:
                await DeployExecutionAsync(run, sides, cancellationToken);
                return run;
            case RunbookStep.Brain:
                await DeployBrainAsync(run, sides, cancellationToken);
                return run;
            case RunbookStep.Arm:
                say("Step 4: ARM Execution");
                return await ArmAsync(run, sides, "Post-deployment arm", cancellationToken);
            case RunbookStep.Verify:
                await VerifyAsync(run, sides, cancellationToken);
                return run;
            case RunbookStep.BackDisarm:
                say($"Rollback Procedure: {run.Failure}");
                say("1. DISARM Execution immediately");
                await DisarmAsync(run, "Rollback - " + run.Failure, cancellationToken);
                return run;
            case RunbookStep.BackRedeploy:
                await RedeployAsync(run, sides, cancellationToken);
                return run;
            case RunbookStep.BackArm:
                say("3. Re-ARM after rollback verification");
                return await ArmAsync(run, sides, "Re-arm after rollback", cancellationToken);
            default:
                throw new InvalidOperationException($"{run.Step} is no step that is done.");
        }
    }

    // A disarm is in force when every node has said so or is certain to have stopped: no bundle moves before.
    private async Task DisarmAsync(RunbookState run, string what, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var said = await client.DisarmAsync(
                ArmTarget.Fleet(run.Fleet), ReasonOf(run, what), wait: ConfirmWait, idempotencyKey: run.KeyOf(run.Step), cancellationToken: cancellationToken);
            if (said.UnconfirmedCount == 0)
            {
                say($"   DISARMED under arm epoch {said.ArmEpoch}: {said.Confirmed} nodes have stopped or are fenced.");
                return;
            }

            if (Stopwatch.GetElapsedTime(began).TotalSeconds >= run.TimeoutSec)
            {
                var missing = $"Not confirmed within {run.TimeoutSec} s: {string.Join(", ", said.Unconfirmed.Take(10))}.";
                if (run.Step == RunbookStep.Disarm)
                {
                    throw new RunbookFailureException(missing);
                }

                // The way back takes the policy from everybody, armed or not: it does not wait for one who is silent.
                say($"   {missing} The rollback goes on.");
                return;
            }
        }
    }

    private async Task DeployExecutionAsync(RunbookState run, RunbookSides sides, CancellationToken cancellationToken)
    {
        say("Step 2: Deploy Execution Service");
        say($"   1. Deploy {run.Version}: one directive moves both sides, never one of them alone.");
        await ReplaceAsync(run, cancellationToken);
        var nodes = await sides.RunsAsync(run.ExecutionRole, run.PolicyHash, cancellationToken);
        say("   2. Verify startup logs show new policy hash:");
        foreach (var node in nodes)
        {
            say($"      [INFO] Loaded RiskPolicy v{run.Version} (hash: {run.ComparedHash}) ({node.Node})");
        }

        say("   3. Verify policy hash responder is active:");
        say($$"""      {"policy_hash":"{{run.ComparedHash}}"} reported by {{nodes.Length}} of {{nodes.Length}} nodes""");
    }

    private async Task ReplaceAsync(RunbookState run, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await client.ReplaceWhileDisarmedAsync(run.Fleet, run.PolicyHash, ReasonOf(run, "Deploy"), run.KeyOf(run.Step), cancellationToken);
                return;
            }
            catch (PolicyApiException e) when (e.Code == "rollout.already_running")
            {
                // Begun before, so long ago that the key is forgotten.
                return;
            }
            catch (PolicyApiException e) when (e is { Status: 429, RetryAfter: { } after } && Stopwatch.GetElapsedTime(began).TotalSeconds < run.TimeoutSec)
            {
                say($"   The update limit says: in {Math.Ceiling(after.TotalSeconds)} s.");
                await Task.Delay(after, cancellationToken);
            }
        }
    }

    private async Task DeployBrainAsync(RunbookState run, RunbookSides sides, CancellationToken cancellationToken)
    {
        say("Step 3: Deploy Brain Service");
        var nodes = await sides.RunsAsync(run.BrainRole, run.PolicyHash, cancellationToken);
        say($"   1. {nodes.Length} of {nodes.Length} nodes of the {run.BrainRole} side run {run.Version}.");
        say("   2. Policy handshake; leaders perform it by themselves.");
        await sides.ShakeAsync(run.ComparedHash, line => say("   3. " + line), cancellationToken);
    }

    private async Task<RunbookState> ArmAsync(RunbookState run, RunbookSides sides, string what, CancellationToken cancellationToken)
    {
        var before = run.AuditSeq ?? (await client.FindAuditAsync(new AuditQuery(), 1, cancellationToken)).FirstOrDefault()?.Seq ?? 0;
        var said = await client.ArmAsync(
            ArmTarget.Fleet(run.Fleet), ReasonOf(run, what), wait: ConfirmWait, idempotencyKey: run.KeyOf(run.Step), cancellationToken: cancellationToken);
        if (said.PendingId is { } pending)
        {
            say($"   It was disarmed in an emergency: another person arms with policyctl arm --fleet {run.Fleet} --pending {pending} --reason ...");
        }

        await sides.ArmedAsync(run.ExecutionRole, cancellationToken);
        await sides.ArmedAsync(run.BrainRole, cancellationToken);
        say($"   ARMED under arm epoch {said.ArmEpoch}: both sides say so.");
        return run with { AuditSeq = before };
    }

    private async Task VerifyAsync(RunbookState run, RunbookSides sides, CancellationToken cancellationToken)
    {
        say("Step 5: Verify System Health");
        say($"   1. Check for rejection events for {run.WindowSec} s (should be empty):");
        if (await new RejectionWatch(client, run, say).RunAsync(cancellationToken) is { } rejected)
        {
            throw new RunbookFailureException(rejected);
        }

        say("   2. Rejections stayed 0. Both sides:");
        foreach (var role in new[] { run.ExecutionRole, run.BrainRole })
        {
            await sides.RunsAsync(role, run.PolicyHash, cancellationToken);
            await sides.ArmedAsync(role, cancellationToken);
        }

        await sides.ShakeAsync(run.ComparedHash, line => say("      " + line), cancellationToken);
    }

    private async Task RedeployAsync(RunbookState run, RunbookSides sides, CancellationToken cancellationToken)
    {
        say("2. Redeploy previous versions of both services");
        if ((await client.GetFleetAsync(run.Fleet, cancellationToken)).Directive.Target != run.PreviousHash)
        {
            await client.RollBackFleetAsync(
                run.Fleet, ReasonOf(run, "Rollback - " + run.Failure), run.PreviousHash, allowExpired: true, run.KeyOf(run.Step), cancellationToken);
        }

        await sides.RunsAsync(run.ExecutionRole, run.PreviousHash, cancellationToken);
        await sides.RunsAsync(run.BrainRole, run.PreviousHash, cancellationToken);
        await sides.ShakeAsync(run.PreviousComparedHash, line => say("   " + line), cancellationToken);
        if (!run.Rearm)
        {
            say($"3. Re-ARM after rollback verification: the fleet stays DISARMED until somebody arms it: policyctl arm --fleet {run.Fleet} --reason ...");
        }
    }

    private static string ReasonOf(RunbookState run, string what)
    {
        var reason = $"{what} (runbook {run.RunId}): {run.Reason}";
        return reason.Length <= 2_000 ? reason : reason[..2_000];
    }
}
