using System.Collections.Immutable;
using Orleans;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Abstractions;

/// <summary>One tenant's audit chain (key: the tenant), read. Appending is part of the transaction that acts.</summary>
[Alias("policy.audit")]
public interface IAuditGrain : IGrainWithStringKey
{
    /// <summary>Entries after a number, in order; at most 1,000.</summary>
    [Alias("read")]
    Task<ImmutableArray<AuditEntry>> ReadAsync(long after, int limit);

    /// <summary>Checks the whole chain.</summary>
    [Alias("verify")]
    Task<AuditVerification> VerifyAsync();
}
