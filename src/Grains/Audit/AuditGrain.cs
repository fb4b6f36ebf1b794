using System.Collections.Immutable;
using System.Globalization;
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
    private static readonly TimeSpan VerifyTimeout = TimeSpan.Parse(IAuditGrain.VerifyTimeout, CultureInfo.InvariantCulture);

    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<ImmutableArray<AuditEntry>>> ReadAsync(long after, int limit) => WithStoreAsync(async () =>
        Outcome<ImmutableArray<AuditEntry>>.Ok(
            await audit.ReadAsync(Tenant, after, Math.Clamp(limit, 1, IAuditGrain.ReadLimitMax))));

    /// <inheritdoc/>
    public Task<Outcome<AuditVerification>> VerifyAsync() => WithStoreAsync(async () =>
    {
        // By then its caller has given up.
        using var limit = new CancellationTokenSource(VerifyTimeout);
        return Outcome<AuditVerification>.Ok(await WholeChain.VerifyAsync(audit, Tenant, limit.Token));
    });
}
