using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Admission;

/// <summary>
/// Serializes a tenant's admissions: one turn after the other computes the next state of the limiter and commits it together with
/// what was admitted. The row's revision guards it where two activations should ever exist for a moment.
/// </summary>
[GrainType("policy.rate-limiter")]
internal sealed class RateLimiterGrain(
    IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<RateLimiterGrain> logger)
    : StoreBackedGrain(logger), IRateLimiterGrain, IAdmittedCommit
{
    private readonly AdmissionQueue _queue = new();
    private StoredAdmission? _row;

    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<CommitResult>> CommitAsync(PolicyChange change, AdmissionDemand demand, string? place) => WithStoreAsync(async () =>
    {
        if (change.Tenant != Tenant)
        {
            throw new ArgumentException("A change is admitted by its own tenant's limiter.", nameof(change));
        }

        var (_, result) = await TakeAsync(demand, place, _ => change);
        return result;
    });

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> TakeAsync(AdmissionDemand demand, Caller caller) => WithStoreAsync(async () =>
    {
        var (answer, result) = await TakeAsync(demand, caller.Place, answer => new PolicyChange
        {
            Tenant = Tenant,
            Audit = [Draft(caller, "admission.taken", $"{answer.Tokens.ToString("0.###", CultureInfo.InvariantCulture)} tokens left")],
            Operation = Operations.Write(caller, 200, answer),
        });
        return result switch
        {
            { Succeeded: true, Value.Status: CommitStatus.Committed } => Outcome<AdmissionAnswer>.Ok(answer),
            { Succeeded: true, Value.Status: CommitStatus.OperationExists } =>
                Outcome<AdmissionAnswer>.Fail(CommonCodes.OperationExists, "The operation was done before; its answer is stored."),
            { Succeeded: true } => Outcome<AdmissionAnswer>.Fail(CommonCodes.Conflict, "Others changed the limiter several times over."),
            { Problems: [{ Code: CommonCodes.AdmissionRefused }, ..] } => Outcome<AdmissionAnswer>.Ok(answer),
            _ => result.As<AdmissionAnswer>(),
        };
    });

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> PeekAsync(AdmissionDemand demand) => WithStoreAsync(async () =>
    {
        var (row, now) = (await RowAsync(), clock.GetUtcNow());
        return Outcome<AdmissionAnswer>.Ok(AdmissionLimiter.PeekAfter(row.State, row.Limits, _queue.Ahead(place: null, now), demand, now));
    });

    /// <inheritdoc/>
    public Task LeaveAsync(string place)
    {
        _queue.Leave(place);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<Outcome<UpdateLimits>> ReadLimitsAsync() =>
        WithStoreAsync(async () => Outcome<UpdateLimits>.Ok((await RowAsync()).Limits));

    /// <inheritdoc/>
    public Task<Outcome<UpdateLimits>> ConfigureAsync(UpdateLimits limits, Caller caller) => WithStoreAsync(async () =>
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

    private async Task<(AdmissionAnswer Answer, Outcome<CommitResult> Result)> TakeAsync(
        AdmissionDemand demand, string? place, Func<AdmissionAnswer, PolicyChange> describe)
    {
        for (var attempt = 1; ; attempt++)
        {
            var row = await RowAsync();
            var now = clock.GetUtcNow();
            var ahead = _queue.Ahead(place, now).ToImmutableArray();
            var (answer, state) = ahead.IsEmpty
                ? AdmissionLimiter.Take(row.State, row.Limits, demand, now)
                : (AdmissionLimiter.PeekAfter(row.State, row.Limits, ahead, demand, now), row.State);
            var change = describe(answer);
            if (!answer.Allowed)
            {
                return (answer, await RefuseAsync(answer, demand, place, now, change.Operation));
            }

            var admission = new AdmissionWrite(state, row.Limits, row.Revision);
            var committed = await store.CommitAsync(change with { Admission = admission });
            Remember(committed, admission);

            // Stale may be the change's own guard: then the row is as it was, and its proposer must look again.
            if (committed.Status != CommitStatus.Stale || attempt >= ChangeCommitter.AttemptsMax || (await RowAsync()).Revision == row.Revision)
            {
                _queue.Leave(place);
                return (answer, Outcome<CommitResult>.Ok(committed));
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
