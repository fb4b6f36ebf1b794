using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Audit;

/// <summary>Checks a chain of any length page by page.</summary>
public static class WholeChain
{
    /// <summary>
    /// Checks what a tenant's chain holds when this begins. Takes as long as the chain is: who asks gives up by <paramref name="cancellationToken"/>.
    /// Throws <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static async Task<AuditVerification> VerifyAsync(IAuditStore audit, string tenant, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(audit);

        // The head first: what is appended while we read is beyond it and is left for the next time.
        var expected = await audit.ReadHeadAsync(tenant, cancellationToken);
        var (head, entries) = (AuditHead.Empty, 0L);
        while (true)
        {
            var page = await audit.ReadAsync(tenant, head.Seq, IAuditGrain.ReadLimitMax, cancellationToken: cancellationToken);
            var isLast = page.Length < IAuditGrain.ReadLimitMax || page[^1].Seq >= expected.Seq;
            var found = AuditChain.Verify(page.Where(entry => entry.Seq <= expected.Seq), isLast ? expected : null, head);
            entries += found.Entries;
            if (!found.Valid || isLast)
            {
                return found with { Entries = entries };
            }

            head = found.Head;
        }
    }
}
