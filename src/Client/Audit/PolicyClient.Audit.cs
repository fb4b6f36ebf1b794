using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const int AuditPage = 1000;

    // A load balancer such as the one in deploy/ ends a request soon after.
    private static readonly TimeSpan VerifyTimeout = TimeSpan.FromMinutes(1);

    /// <summary>Entries after a number, in order.</summary>
    public Task<ImmutableArray<AuditEntry>> ReadAuditAsync(long after, int limit, CancellationToken cancellationToken = default) =>
        ListAsync<AuditEntry>($"/audit?after={after}&limit={limit}", "entries", cancellationToken);

    /// <summary>Entries that fit, newest first.</summary>
    /// <param name="wanted">Which; what is null is not looked at.</param>
    /// <param name="limit">At most so many, up to 1,000.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<ImmutableArray<AuditEntry>> FindAuditAsync(AuditQuery wanted, int limit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        (string Name, string? Value)[] filters =
        [
            ("before", wanted.Before?.ToString(CultureInfo.InvariantCulture)), ("subject", wanted.Subject), ("actor", wanted.Actor),
            ("since", wanted.Since?.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)),
            ("until", wanted.Until?.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)),
        ];
        var query = string.Concat(filters.Where(one => one.Value is not null).Select(one => $"&{one.Name}={Segment(one.Value!)}"));
        return ListAsync<AuditEntry>(string.Create(CultureInfo.InvariantCulture, $"/audit?newest=true&limit={limit}{query}"), "entries", cancellationToken);
    }

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

    /// <summary>
    /// Lets the control plane check the whole chain; up to a minute an attempt. Trust nobody: <c>policyctl audit verify --file</c> checks an
    /// export by itself, however long it is.
    /// </summary>
    public async Task<AuditVerification> VerifyAuditAsync(CancellationToken cancellationToken = default) => Read<AuditVerification>(await SendAsync(
        new PolicyRequest(HttpMethod.Get, _tenantPath + "/audit/verify")
        {
            Timeout = Options.Timeout > VerifyTimeout ? Options.Timeout : VerifyTimeout,
        },
        cancellationToken));
}

/// <summary>Which entries of the audit are wanted.</summary>
/// <param name="Subject">Only what was done to this or to what is below it, such as <c>fleets/edge</c>.</param>
/// <param name="Actor">Only what this person or program did.</param>
/// <param name="Since">Only from this moment on.</param>
/// <param name="Until">Only before this moment.</param>
/// <param name="Before">Only entries before this number.</param>
public sealed record AuditQuery(
    string? Subject = null, string? Actor = null, DateTimeOffset? Since = null, DateTimeOffset? Until = null, long? Before = null);
