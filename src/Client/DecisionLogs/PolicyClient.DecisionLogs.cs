using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const int DecisionsPage = 1000;
    private const string JsonLines = "application/x-ndjson";

    /// <summary>
    /// Records of a fleet's decision log (<see cref="Decisions.DecisionRecord"/>) in the order in which the control plane took them, page by
    /// page. What it took within the last five seconds is not among them yet.
    /// </summary>
    public async IAsyncEnumerable<JsonElement> ExportDecisionsAsync(
        string fleet, DecisionLogQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        DecisionPage page;
        string? after = null;
        do
        {
            page = await ReadDecisionsAsync(fleet, query, after, DecisionsPage, cancellationToken);
            foreach (var record in page.Records)
            {
                yield return record;
            }

            after = page.Next;
        }
        while (page.More);
    }

    /// <summary>One page of the same, after a place that another gave as <see cref="DecisionPage.Next"/>.</summary>
    public Task<DecisionPage> ReadDecisionsAsync(
        string fleet, DecisionLogQuery query, string? after, int limit = DecisionsPage, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        var place = after is null ? "" : $"&after={Segment(after)}";
        return GetAsync<DecisionPage>($"/fleets/{Segment(fleet)}/decisions?limit={limit.ToString(CultureInfo.InvariantCulture)}{place}{query.Filters()}", cancellationToken);
    }

    /// <summary>The newest records, oldest first; at most 1,000.</summary>
    public Task<DecisionPage> ReadNewestDecisionsAsync(
        string fleet, int count, DecisionLogQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return GetAsync<DecisionPage>(
            $"/fleets/{Segment(fleet)}/decisions?last={count.ToString(CultureInfo.InvariantCulture)}{query.Filters()}", cancellationToken);
    }

    /// <summary>Hands over lines of a decision log. The same batch again is stored once.</summary>
    public async Task<StoredDecisions> SendDecisionsAsync(
        string fleet, string batchId, ReadOnlyMemory<byte> lines, CancellationToken cancellationToken = default) =>
        Read<StoredDecisions>(await SendAsync(
            new PolicyRequest(HttpMethod.Post, $"{_tenantPath}/fleets/{Segment(fleet)}/decisions?batch={Segment(batchId)}")
            {
                Body = lines,
                ContentType = JsonLines,
                MaxAttempts = 1,
            },
            cancellationToken));
}

/// <summary>A page of a decision log.</summary>
/// <param name="Records">In the order of arrival.</param>
/// <param name="Next">Where to read on.</param>
/// <param name="More">Whether more is there already.</param>
public sealed record DecisionPage(IReadOnlyList<JsonElement> Records, string Next, bool More);

/// <summary>Which records of a decision log.</summary>
/// <param name="From">Decided at or after; null: from the first.</param>
/// <param name="To">Decided before; null: to the last.</param>
/// <param name="Node">By this node; null: by any.</param>
public sealed record DecisionLogQuery(DateTimeOffset? From = null, DateTimeOffset? To = null, string? Node = null)
{
    internal string Filters() => Filter("from", Text(From)) + Filter("to", Text(To)) + Filter("node", Node);

    private static string Filter(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static string? Text(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>What became of a batch.</summary>
/// <param name="Accepted">Records stored now.</param>
/// <param name="Duplicates">Records that were stored before.</param>
public sealed record StoredDecisions(int Accepted, int Duplicates);
