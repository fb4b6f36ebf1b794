using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Audit;

/// <summary>Reads a tenant's chain. It holds nothing, so its reads may interleave.</summary>
[GrainType("policy.audit")]
[Reentrant]
internal sealed class AuditGrain(IAuditStore audit, ILogger<AuditGrain> logger) : StoreBackedGrain(logger), IAuditGrain
{
    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<ImmutableArray<AuditEntry>>> ReadAsync(long after, int limit) => WithStoreAsync(async () =>
        Outcome<ImmutableArray<AuditEntry>>.Ok(
            await audit.ReadAsync(Tenant, after, Math.Clamp(limit, 1, IAuditGrain.ReadLimitMax))));

    /// <inheritdoc/>
    public Task<Outcome<AuditVerification>> VerifyAsync() => WithStoreAsync(async () =>
    {
        // The head first: what is appended while we read is beyond it and is left for the next time.
        var expected = await audit.ReadHeadAsync(Tenant);
        var (head, entries) = (AuditHead.Empty, 0L);
        while (true)
        {
            var page = await audit.ReadAsync(Tenant, head.Seq, IAuditGrain.ReadLimitMax);
            var isLast = page.Length < IAuditGrain.ReadLimitMax || page[^1].Seq >= expected.Seq;
            var found = AuditChain.Verify(page.Where(entry => entry.Seq <= expected.Seq), isLast ? expected : null, head);
            entries += found.Entries;
            if (!found.Valid || isLast)
            {
                return Outcome<AuditVerification>.Ok(found with { Entries = entries });
            }

            head = found.Head;
        }
    });
}
