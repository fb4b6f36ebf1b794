using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Abstractions;

/// <summary>One tenant's audit chain (key: the tenant), read. Appending is part of the transaction that acts.</summary>
[Alias("policy.audit")]
public interface IAuditGrain : IGrainWithStringKey
{
    /// <summary>Entries after a number, in order; at most <see cref="ReadLimitMax"/>. Fails with <see cref="CommonCodes.StoreUnavailable"/>.</summary>
    [Alias("read")]
    Task<Outcome<ImmutableArray<AuditEntry>>> ReadAsync(long after, int limit);

    /// <summary>
    /// Checks the whole chain, within <see cref="VerifyTimeout"/>: of one that takes longer, read the pages and check them by
    /// <see cref="AuditChain.Verify"/>. Fails with <see cref="CommonCodes.StoreUnavailable"/>.
    /// </summary>
    [Alias("verify")]
    [ResponseTimeout(VerifyTimeout)]
    Task<Outcome<AuditVerification>> VerifyAsync();

    /// <summary>The most entries that one read answers.</summary>
    const int ReadLimitMax = 1_000;

    /// <summary>How long a check of the whole chain may take: a minute.</summary>
    const string VerifyTimeout = "00:01:00";
}
