using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Admission;

/// <summary>
/// Serializes a tenant's admissions: one turn after the other computes the next state of the limiter and commits it together with
/// what was admitted. Calls may interleave only so that those who ask during a commit can be seen, and share the next one; the turns are
/// the limiter's own. The row's revision guards it where two activations should ever exist for a moment.
/// </summary>
[GrainType("policy.rate-limiter")]
[Reentrant]
internal sealed class RateLimiterGrain(
    IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<RateLimiterGrain> logger)
    : StoreBackedGrain(logger), IRateLimiterGrain, IAdmittedCommit
{
    /// <summary>How many admissions are made durable together at most.</summary>
    public const int GroupMax = 64;

    private readonly AdmissionQueue _queue = new();
    private readonly AdmissionTurns _turns = new();
    private StoredAdmission? _row;

    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<CommitResult>> CommitAsync(PolicyChange change, AdmissionDemand demand, string? place) => InTurnAsync(async () =>
    {
        if (change.Tenant != Tenant)
        {
            throw new ArgumentException("A change is admitted by its own tenant's limiter.", nameof(change));
        }

        return (await TakeAsync(new AdmissionAsk(demand, place, _ => change))).Result;
    });

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> TakeAsync(AdmissionDemand demand, Caller caller)
    {
        var ask = new AdmissionAsk(demand, caller.Place, answer => new PolicyChange
        {
            Tenant = Tenant,
            Audit = [Draft(caller, "admission.taken", $"{answer.Tokens.ToString("0.###", CultureInfo.InvariantCulture)} tokens left")],
            Operation = Operations.Write(caller, 200, answer),
        });
        return InTurnAsync(
            async () =>
            {
                var (answer, result) = await (ask.Taken ?? TakeTogetherAsync(ask));
                return result switch
                {
                    { Succeeded: true, Value.Status: CommitStatus.Committed } => Outcome<AdmissionAnswer>.Ok(answer),
                    { Succeeded: true, Value.Status: CommitStatus.OperationExists } =>
                        Outcome<AdmissionAnswer>.Fail(CommonCodes.OperationExists, "The operation was done before; its answer is stored."),
                    { Succeeded: true } => Outcome<AdmissionAnswer>.Fail(CommonCodes.Conflict, "Others changed the limiter several times over."),
                    { Problems: [{ Code: CommonCodes.AdmissionRefused }, ..] } => Outcome<AdmissionAnswer>.Ok(answer),
                    _ => result.As<AdmissionAnswer>(),
                };
            },
            ask);
    }

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> PeekAsync(AdmissionDemand demand) => InTurnAsync(async () =>
    {
        var (row, now) = (await RowAsync(), clock.GetUtcNow());
        return Outcome<AdmissionAnswer>.Ok(AdmissionLimiter.PeekAfter(row.State, row.Limits, _queue.Ahead(place: null, now), demand, now));
    });

    /// <inheritdoc/>
    public Task LeaveAsync(string place) => _turns.RunAsync(() =>
    {
        _queue.Leave(place);
        return Task.FromResult(true);
    });

    /// <inheritdoc/>
    public Task<Outcome<UpdateLimits>> ReadLimitsAsync() =>
        InTurnAsync(async () => Outcome<UpdateLimits>.Ok((await RowAsync()).Limits));

    /// <inheritdoc/>
    public Task<Outcome<UpdateLimits>> ConfigureAsync(UpdateLimits limits, Caller caller) => InTurnAsync(async () =>
    {
        var valid = UpdateLimits.Validate(limits);
        if (!valid.Succeeded)
        {
            return valid;
        }

        for (var attempt = 1; attempt <= ChangeCommitter.AttemptsMax; attempt++)
        {
            var row = await RowAsync();
            if (limits.FileHash is not null && limits.FileHash == row.Limits.FileHash)
            {
                return Outcome<UpdateLimits>.Ok(row.Limits);
            }

            var answer = limits with { FileHash = limits.FileHash ?? row.Limits.FileHash };
            var change = new PolicyChange
            {
                Tenant = Tenant,
                Audit = [Draft(caller, "admission.configured", Say(row.Limits) + " -> " + Say(answer))],
                Operation = Operations.Write(caller, 200, answer),
                Admission = new AdmissionWrite(AdmissionLimiter.Reconfigure(row.State, row.Limits, answer, clock.GetUtcNow()), answer, row.Revision),
            };
            var committed = await store.CommitAsync(change);
            Remember(committed, change.Admission);
            if (committed.Status == CommitStatus.Committed)
            {
                return Outcome<UpdateLimits>.Ok(answer);
            }

            if (committed.Status == CommitStatus.OperationExists)
            {
                return Outcome<UpdateLimits>.Fail(CommonCodes.OperationExists, "The operation was done before; its answer is stored.");
            }
        }

        return Outcome<UpdateLimits>.Fail(CommonCodes.Conflict, "Others changed the limiter several times over.");
    });

    /// <summary>What it has of the store is the row, and a turn that fails forgets that: those who wait for theirs need not line up anew.</summary>
    protected override void OnStoreFailure()
    {
    }

    private Task<Outcome<T>> InTurnAsync<T>(Func<Task<Outcome<T>>> turn, AdmissionAsk? ask = null) => WithStoreAsync(() => _turns.RunAsync(
        async () =>
        {
            try
            {
                return await turn();
            }
            catch (StoreUnavailableException)
            {
                _row = null;
                throw;
            }
        },
        ask));

    /// <summary>
    /// One admission, and with it those that wait behind it and are admitted too: as many as the limits let pass one after the other, in
    /// one transaction, each with its own operation and audit entry. It ends before the first that is refused, that has the operation of
    /// one before it, or that somebody else is ahead of. Where they cannot be made true as a whole, each is taken by itself.
    /// </summary>
    private async Task<AdmissionTaken> TakeTogetherAsync(AdmissionAsk first)
    {
        if (first.IsAlone || !_turns.Next.Any())
        {
            return await TakeAsync(first);
        }

        var row = await RowAsync();
        var (now, state) = (clock.GetUtcNow(), row.State);
        var group = new List<(AdmissionAsk Ask, AdmissionAnswer Answer, PolicyChange Change)>();
        var operations = new HashSet<(string KeyId, string OperationId)>();
        foreach (var ask in _turns.Next.TakeWhile(next => !next.IsAlone).Prepend(first).Take(GroupMax))
        {
            var (answer, after) = AdmissionLimiter.Take(state, row.Limits, ask.Demand, now);
            var change = ask.Describe(answer);
            if (!answer.Allowed || _queue.Ahead(ask.Place, now).Any()
                || change.Operation is { } operation && !operations.Add((operation.KeyId, operation.OperationId)))
            {
                break;
            }

            group.Add((ask, answer, change));
            state = after;
        }

        if (group.Count > 1)
        {
            await CommitTogetherAsync(group, new AdmissionWrite(state, row.Limits, row.Revision));
        }

        return await (first.Taken ?? TakeAsync(first));
    }

    private async Task CommitTogetherAsync(
        List<(AdmissionAsk Ask, AdmissionAnswer Answer, PolicyChange Change)> group, AdmissionWrite admission)
    {
        try
        {
            var committed = await store.CommitAsync(new PolicyChange
            {
                Tenant = Tenant,
                Audit = [.. group.SelectMany(one => one.Change.Audit)],
                Operations = [.. group.SelectMany(one => one.Change.Operations)],
                Admission = admission,
            });
            Remember(committed, admission);
            if (committed.Status != CommitStatus.Committed)
            {
                group.ForEach(one => one.Ask.IsAlone = true);
            }
            else
            {
                group.ForEach(one => _queue.Leave(one.Ask.Place));
                group.ForEach(one => one.Ask.Taken = Task.FromResult(new AdmissionTaken(one.Answer, Outcome<CommitResult>.Ok(committed))));
            }
        }
        catch (StoreUnavailableException exception)
        {
            // What became of it is as unknown to all of them.
            group.ForEach(one => one.Ask.Taken = Task.FromException<AdmissionTaken>(exception));
        }
    }

    private async Task<AdmissionTaken> TakeAsync(AdmissionAsk ask)
    {
        for (var attempt = 1; ; attempt++)
        {
            var row = await RowAsync();
            var now = clock.GetUtcNow();
            var ahead = _queue.Ahead(ask.Place, now).ToImmutableArray();
            var (answer, state) = ahead.IsEmpty
                ? AdmissionLimiter.Take(row.State, row.Limits, ask.Demand, now)
                : (AdmissionLimiter.PeekAfter(row.State, row.Limits, ahead, ask.Demand, now), row.State);
            var change = ask.Describe(answer);
            if (!answer.Allowed)
            {
                return new AdmissionTaken(answer, await RefuseAsync(answer, ask.Demand, ask.Place, now, change.Operation));
            }

            var admission = new AdmissionWrite(state, row.Limits, row.Revision);
            var committed = await store.CommitAsync(change with { Admission = admission });
            Remember(committed, admission);

            // Stale may be the change's own guard: then the row is as it was, and its proposer must look again.
            if (committed.Status != CommitStatus.Stale || attempt >= ChangeCommitter.AttemptsMax || (await RowAsync()).Revision == row.Revision)
            {
                _queue.Leave(ask.Place);
                return new AdmissionTaken(answer, Outcome<CommitResult>.Ok(committed));
            }
        }
    }

    private async Task<Outcome<CommitResult>> RefuseAsync(
        AdmissionAnswer answer, AdmissionDemand demand, string? place, DateTimeOffset now, OperationWrite? operation)
    {
        if (operation is not null && await store.ReadOperationAsync(operation.KeyId, operation.OperationId) is not null)
        {
            return Outcome<CommitResult>.Ok(new CommitResult(CommitStatus.OperationExists));
        }

        var wait = AdmissionLimiter.Wait(answer);
        var refusal = Outcome<CommitResult>.Fail(
            CommonCodes.AdmissionRefused,
            string.Create(CultureInfo.InvariantCulture, $"The limit of {answer.Scope} admits the next update in {answer.TimeUntilNextSec:0.###} s."));
        if (place is not null && !_queue.Holds(place) && _queue.IsFull)
        {
            refusal = Outcome<CommitResult>.Fail(CommonCodes.AdmissionQueueFull, $"{AdmissionQueue.PlacesMax} updates wait already; nobody else can.");
        }
        else if (place is not null)
        {
            _queue.Keep(place, demand, now + wait);
        }

        return refusal with { RetryAfter = wait };
    }

    private async Task<StoredAdmission> RowAsync() => _row ??= await store.ReadAdmissionAsync(Tenant)
        ?? new StoredAdmission(AdmissionState.Full(clock.GetUtcNow()), new UpdateLimits(), 0);

    private void Remember(CommitResult committed, AdmissionWrite write)
    {
        if (committed.Status == CommitStatus.Committed)
        {
            _row = new StoredAdmission(write.State, write.Limits, write.ExpectedRevision + 1);
        }
        else if (committed.Status == CommitStatus.Stale)
        {
            _row = null;
        }
    }

    private AuditDraft Draft(Caller caller, string action, string reason) => new()
    {
        At = clock.GetUtcNow(),
        Actor = caller.By.Subject,
        Interface = caller.By.Interface,
        Action = action,
        Subject = "admission",
        Reason = reason,
    };

    private static string Say(UpdateLimits limits) => JsonSerializer.Serialize(limits, PolicyJson.Options);
}
