using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const int DecisionsPage = 1000;
    private const string JsonLines = "application/x-ndjson";

    /// <summary>
    /// Records of a fleet's decision log (<see cref="Decisions.DecisionRecord"/>, with a <c>seq</c>), in the order in which the control plane
    /// took them, page by page. Each is a line as it stands in a file.
    /// </summary>
    public async IAsyncEnumerable<JsonElement> ExportDecisionsAsync(
        string fleet, DecisionLogQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        for (var after = query.After; ;)
        {
            var page = await GetAsync<DecisionPage>(
                $"/fleets/{Segment(fleet)}/decisions?after={after.ToString(CultureInfo.InvariantCulture)}&limit={DecisionsPage}{query.Filters()}", cancellationToken);
            foreach (var record in page.Records)
            {
                yield return record;
            }

            if (page.Next is not { } next)
            {
                yield break;
            }

            after = next;
        }
    }

    /// <summary>The newest records, oldest first; at most 1,000.</summary>
    public async Task<IReadOnlyList<JsonElement>> ReadNewestDecisionsAsync(
        string fleet, int count, DecisionLogQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        return (await GetAsync<DecisionPage>(
            $"/fleets/{Segment(fleet)}/decisions?last={count.ToString(CultureInfo.InvariantCulture)}{query.Filters()}", cancellationToken)).Records;
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

    private sealed record DecisionPage(List<JsonElement> Records, long? Next);
}

/// <summary>Which records of a decision log.</summary>
/// <param name="From">Decided at or after; null: from the first.</param>
/// <param name="To">Decided before; null: to the last.</param>
/// <param name="Node">By this node; null: by any.</param>
/// <param name="After">After this number (<c>seq</c>).</param>
public sealed record DecisionLogQuery(DateTimeOffset? From = null, DateTimeOffset? To = null, string? Node = null, long After = 0)
{
    internal string Filters() => Filter("from", Text(From)) + Filter("to", Text(To)) + Filter("node", Node);

    private static string Filter(string name, string? value) => value is null ? "" : $"&{name}={Uri.EscapeDataString(value)}";

    private static string? Text(DateTimeOffset? time) => time?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}

/// <summary>What became of a batch.</summary>
/// <param name="Accepted">Records stored now.</param>
/// <param name="Duplicates">Records that were stored before.</param>
public sealed record StoredDecisions(int Accepted, int Duplicates);
