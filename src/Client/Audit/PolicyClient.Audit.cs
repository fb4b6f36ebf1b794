using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const int AuditPage = 1000;

    /// <summary>Entries after a number, in order.</summary>
    public Task<ImmutableArray<AuditEntry>> ReadAuditAsync(long after, int limit, CancellationToken cancellationToken = default) =>
        ListAsync<AuditEntry>($"/audit?after={after}&limit={limit}", "entries", cancellationToken);

    /// <summary>All entries from a number on, page by page.</summary>
    public async IAsyncEnumerable<AuditEntry> ExportAuditAsync(
        long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var page = await ReadAuditAsync(after, AuditPage, cancellationToken);
            foreach (var entry in page)
            {
                after = entry.Seq;
                yield return entry;
            }

            if (page.Length < AuditPage)
            {
                yield break;
            }
        }
    }

    /// <summary>Lets the control plane check the whole chain. Trust nobody: <c>policyctl audit verify --file</c> checks an export by itself.</summary>
    public Task<AuditVerification> VerifyAuditAsync(CancellationToken cancellationToken = default) =>
        GetAsync<AuditVerification>("/audit/verify", cancellationToken);
}
