using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Admission;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Commits;

/// <summary>The one way from a proposal to a durable change: commit; where a guard did not hold, read the truth and propose again.</summary>
internal sealed class ChangeCommitter(IRolloutStore store, IGrainFactory grains)
{
    /// <summary>How often a change is proposed before the caller is told that others keep winning.</summary>
    public const int AttemptsMax = 4;

    /// <summary>
    /// Makes a proposal durable. An operation that was done before is answered with <see cref="CommonCodes.OperationExists"/> whatever
    /// the proposal says now: what it did may be the very reason why it cannot be done again.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Whether it took effect is unknown.</exception>
    public async Task<Outcome<T>> CommitAsync<T>(string tenant, Caller caller, Func<Task<Outcome<Proposal<T>>>> propose)
    {
        for (var attempt = 1; ; attempt++)
        {
            var proposed = await propose();
            if (!proposed.Succeeded || proposed.Value.Change is null)
            {
                return await WasDoneAsync(caller) ? Exists<T>() : proposed.Succeeded ? Outcome<T>.Ok(proposed.Value.Answer) : proposed.As<T>();
            }

            var committed = proposed.Value.Admission is { } demand
                ? await AdmitAsync(tenant, proposed.Value.Change, demand, caller.Place)
                : Outcome<CommitResult>.Ok(await store.CommitAsync(proposed.Value.Change));
            if (!committed.Succeeded)
            {
                return committed.As<T>();
            }

            switch (committed.Value.Status)
            {
                case CommitStatus.Committed:
                    if (proposed.Value.Then is { } then)
                    {
                        await then();
                    }

                    return Outcome<T>.Ok(proposed.Value.Answer);
                case CommitStatus.OperationExists:
                    return Exists<T>();
                case CommitStatus.Stale or CommitStatus.Conflict when attempt < AttemptsMax:
                    // A conflict is news too: the next proposal reads it and says what is wrong in its own words.
                    break;
                default:
                    return Outcome<T>.Fail(CommonCodes.Conflict, $"Others changed it {AttemptsMax} times over: {committed.Value.Detail}");
            }
        }
    }

    private async Task<Outcome<CommitResult>> AdmitAsync(string tenant, PolicyChange change, AdmissionDemand demand, string? place)
    {
        try
        {
            return await grains.GetGrain<IAdmittedCommit>(tenant).CommitAsync(change, demand, place);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            throw new StoreUnavailableException("The admission limiter did not answer.", exception);
        }
    }

    private async Task<bool> WasDoneAsync(Caller caller) =>
        caller.OperationId is not null && await store.ReadOperationAsync(Operations.KeyOf(caller), caller.OperationId) is not null;

    private static Outcome<T> Exists<T>() =>
        Outcome<T>.Fail(CommonCodes.OperationExists, "The operation was done before; its answer is stored.");
}
