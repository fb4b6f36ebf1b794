using OrleansPolicy.Client;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>
/// Takes a run from where it stands to its end. Each step is written down before it begins and after it is done; it may be begun any
/// number of times, because its call is made once whatever happens.
/// </summary>
internal sealed class RunbookRun(RunbookFile file, RunbookSteps steps, Action<string> say, TimeProvider time)
{
    public async Task<RunbookState> ToEndAsync(RunbookState state, CancellationToken cancellationToken)
    {
        while (state.Outcome is null)
        {
            state = await file.WriteAsync(Begun(state));
            try
            {
                var after = await steps.DoAsync(state, cancellationToken);
                state = await file.WriteAsync(Ended(after) with { Step = Next(after), Outcome = OutcomeOf(after) });
            }
            catch (RunbookFailureException e)
            {
                state = await file.WriteAsync(Failed(state, e.Message));
            }
            catch (PolicyApiException e) when (e.Status is >= 400 and < 500 and not (401 or 403 or 408 or 429))
            {
                // What the control plane refuses for good is an answer; what it cannot say now, or not to this key, is none.
                state = await file.WriteAsync(Failed(state, $"{e.Message} [{e.Code}]"));
            }
        }

        return state;
    }

    private RunbookState Failed(RunbookState state, string why)
    {
        say($"FAILED: {why}");
        return state.Step < RunbookStep.BackDisarm
            ? state with { Step = RunbookStep.BackDisarm, Failure = why }
            : state with { Step = RunbookStep.End, Failure = $"{state.Failure}; then: {why}", Outcome = RunbookOutcome.Stuck };
    }

    private static RunbookStep Next(RunbookState state) => state.Step switch
    {
        RunbookStep.Verify or RunbookStep.BackArm => RunbookStep.End,
        RunbookStep.BackRedeploy => state.Rearm ? RunbookStep.BackArm : RunbookStep.End,
        var step => step + 1,
    };

    private static RunbookOutcome? OutcomeOf(RunbookState done) => Next(done) != RunbookStep.End ? null
        : done.Step == RunbookStep.Verify ? RunbookOutcome.Deployed
        : RunbookOutcome.RolledBack;

    private RunbookState Begun(RunbookState state) => state.Steps.Any(record => record.Step == state.Step)
        ? state
        : state with { Steps = state.Steps.Add(new RunbookStepRecord(state.Step, time.GetUtcNow(), null)) };

    private RunbookState Ended(RunbookState state) => state with
    {
        Steps = [.. state.Steps.Select(record => record.Step == state.Step ? record with { EndedAt = time.GetUtcNow() } : record)],
    };
}
