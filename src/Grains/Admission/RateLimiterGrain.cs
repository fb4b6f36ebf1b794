using System.Globalization;
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
    private StoredAdmission? _row;

    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<CommitResult>> CommitAsync(PolicyChange change) => WithStoreAsync(async () =>
    {
        if (change.Tenant != Tenant)
        {
            throw new ArgumentException("A change is admitted by its own tenant's limiter.", nameof(change));
        }

        var (_, result) = await TakeAsync(_ => change);
        return result;
    });

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> TakeAsync(Caller caller) => WithStoreAsync(async () =>
    {
        var (answer, result) = await TakeAsync(answer => new PolicyChange
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
    public Task<Outcome<AdmissionAnswer>> PeekAsync() => WithStoreAsync(async () =>
    {
        var row = await RowAsync();
        return Outcome<AdmissionAnswer>.Ok(UpdateLimiter.Peek(row.State, row.Limit, clock.GetUtcNow()));
    });

    /// <inheritdoc/>
    public Task<Outcome<AdmissionAnswer>> ConfigureAsync(UpdateLimit limit, Caller caller) => WithStoreAsync(async () =>
    {
        var valid = UpdateLimiter.Validate(limit);
        if (!valid.Succeeded)
        {
            return valid.As<AdmissionAnswer>();
        }

        for (var attempt = 1; attempt <= ChangeCommitter.AttemptsMax; attempt++)
        {
            var row = await RowAsync();
            var now = clock.GetUtcNow();
            var state = UpdateLimiter.Reconfigure(row.State, row.Limit, limit, now);
            var answer = UpdateLimiter.Peek(state, limit, now);
            var change = new PolicyChange
            {
                Tenant = Tenant,
                Audit = [Draft(caller, "admission.configured", Say(row.Limit) + " -> " + Say(limit))],
                Operation = Operations.Write(caller, 200, answer),
                Admission = new AdmissionWrite(state, limit, row.Revision),
            };
            var committed = await store.CommitAsync(change);
            Remember(committed, change.Admission);
            if (committed.Status == CommitStatus.Committed)
            {
                return Outcome<AdmissionAnswer>.Ok(answer);
            }

            if (committed.Status == CommitStatus.OperationExists)
            {
                return Outcome<AdmissionAnswer>.Fail(CommonCodes.OperationExists, "The operation was done before; its answer is stored.");
            }
        }

        return Outcome<AdmissionAnswer>.Fail(CommonCodes.Conflict, "Others changed the limiter several times over.");
    });

    private async Task<(AdmissionAnswer Answer, Outcome<CommitResult> Result)> TakeAsync(Func<AdmissionAnswer, PolicyChange> describe)
    {
        for (var attempt = 1; ; attempt++)
        {
            var row = await RowAsync();
            var (answer, state) = UpdateLimiter.Take(row.State, row.Limit, clock.GetUtcNow());
            var change = describe(answer);
            if (!answer.Allowed)
            {
                return (answer, await RefuseAsync(answer, change.Operation));
            }

            var admission = new AdmissionWrite(state, row.Limit, row.Revision);
            var committed = await store.CommitAsync(change with { Admission = admission });
            Remember(committed, admission);

            // Stale may be the change's own guard: then the row is as it was, and its proposer must look again.
            if (committed.Status != CommitStatus.Stale || attempt >= ChangeCommitter.AttemptsMax || (await RowAsync()).Revision == row.Revision)
            {
                return (answer, Outcome<CommitResult>.Ok(committed));
            }
        }
    }

    private async Task<Outcome<CommitResult>> RefuseAsync(AdmissionAnswer answer, OperationWrite? operation)
    {
        if (operation is not null && await store.ReadOperationAsync(operation.KeyId, operation.OperationId) is not null)
        {
            return Outcome<CommitResult>.Ok(new CommitResult(CommitStatus.OperationExists));
        }

        var refusal = Outcome<CommitResult>.Fail(
            CommonCodes.AdmissionRefused,
            string.Create(CultureInfo.InvariantCulture, $"The next update is admitted in {answer.TimeUntilNextSec:0.###} s."));
        return refusal with { RetryAfter = TimeSpan.FromSeconds(answer.TimeUntilNextSec) };
    }

    private async Task<StoredAdmission> RowAsync() => _row ??= await store.ReadAdmissionAsync(Tenant)
        ?? new StoredAdmission(LimiterState.Full(clock.GetUtcNow()), new UpdateLimit(), 0);

    private void Remember(CommitResult committed, AdmissionWrite write)
    {
        if (committed.Status == CommitStatus.Committed)
        {
            _row = new StoredAdmission(write.State, write.Limit, write.ExpectedRevision + 1);
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

    private static string Say(UpdateLimit limit) =>
        string.Create(CultureInfo.InvariantCulture, $"{limit.MaxUpdatesPerMinute} a minute, {limit.MinIntervalSec} s apart");
}
