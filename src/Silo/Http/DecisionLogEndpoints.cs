using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.DecisionLogs;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>Decision logs: nodes hand over what they decided, people read it.</summary>
public static class DecisionLogEndpoints
{
    private const int LimitMax = 1_000;
    private const int BatchLengthMax = 128;
    private const string FullCode = "decision_log.full";
    private static readonly BodyLimit BatchLimit = new(4 * 1024 * 1024);
    private static readonly TimeSpan FullRetryAfter = TimeSpan.FromSeconds(60);

    /// <summary>Maps them.</summary>
    public static void MapDecisionLogs(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/fleets/{fleet}/decisions", StoreAsync)
            .Is(
                Permission.LogDecisions, "Hand over records of decisions, as JSON lines or a list; the same batch again is stored once", "fleet.unknown", FullCode,
                "decision_log.batch", "decision_log.records", "decision_log.fleet", "decision_record.malformed", "decision_record.too_long", Names.InvalidCode)
            .Takes<ImmutableArray<DecisionRecord>>(BatchLimit, DecisionLogAnswer.Lines)
            .Gives<StoredDecisions>();
        routes.MapGet("/fleets/{fleet}/decisions", ReadAsync)
            .Is(
                Permission.Read, "Records of decisions in the order of arrival; with Accept: application/x-ndjson as JSON lines", "fleet.unknown", "request.limit",
                "request.after", "request.time", Names.InvalidCode)
            .Gives<DecisionRecords>();
    }

    private static async Task<IResult> StoreAsync(
        string tenant, string fleet, PostgresDecisionLog log, SiloSettings settings, PolicyMeter meter, HttpContext http, string? batch = null)
    {
        if (batch is not { Length: >= 1 and <= BatchLengthMax } || !batch.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            return new ProblemAnswer("decision_log.batch", $"Give the batch an id: ?batch= with 1 to {BatchLengthMax} letters, digits, '.', '_' or '-'.", "$.batch");
        }

        var body = await http.ReadBytesAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        var caller = http.ApiCaller();
        var read = DecisionBatch.Read(body.Value, fleet, caller.Role == Role.Node ? caller.Key.Node : null);
        if (!read.Succeeded)
        {
            return read.Refusal();
        }

        var records = read.Value;
        var room = await log.ReadRoomAsync(tenant, fleet, records.Select(record => record.Node).Distinct(StringComparer.Ordinal), http.RequestAborted);
        if (!room.FleetExists)
        {
            return new ProblemAnswer("fleet.unknown", $"There is no fleet {fleet}.");
        }

        if (room.TenantBytes >= settings.DecisionLog.TenantBytesMax || room.NodeBytes >= settings.DecisionLog.NodeBytesMax)
        {
            meter.LoggedDecisions.Add(records.Length, new("tenant", tenant), new("result", "refused"));
            return new ProblemAnswer(
                [new Problem(FullCode, "The decision log of the tenant or the node is full; what is older than the retention makes room.")], FullRetryAfter);
        }

        var accepted = await log.AppendAsync(tenant, fleet, batch, records, http.RequestAborted);
        meter.LoggedDecisions.Add(accepted, new("tenant", tenant), new("result", "accepted"));
        return Answers.Ok(new StoredDecisions(accepted, records.Length - accepted));
    }

    private static async Task<IResult> ReadAsync(
        string tenant, string fleet, PostgresDecisionLog log, HttpContext http, string? from = null, string? to = null, string? node = null,
        string? after = null, int limit = 100, int? last = null)
    {
        var cursor = after is null ? DecisionLogCursor.Start : DecisionLogCursor.Read(after);
        if (RequestRules.Collect(
            RequestRules.CheckLimit(last ?? limit, LimitMax),
            cursor is null ? new Problem("request.after", "after is what an answer gave as next.", "$.after") : null,
            CheckTime(from, "from"),
            CheckTime(to, "to"),
            node is null ? null : Names.Check(node, "A node's name", "$.node")) is { } refusal)
        {
            return refusal;
        }

        var room = await log.ReadRoomAsync(tenant, fleet, [], http.RequestAborted);
        if (!room.FleetExists)
        {
            return new ProblemAnswer("fleet.unknown", $"There is no fleet {fleet}.");
        }

        var page = await log.ReadAsync(
            tenant, fleet, new DecisionLogFilter(cursor!, last ?? limit, last is not null, Time(from), Time(to), node), http.RequestAborted);
        return new DecisionLogAnswer(page, AsLines: http.Request.Headers.Accept.ToString().Contains(DecisionLogAnswer.Lines, StringComparison.OrdinalIgnoreCase));
    }

    private static Problem? CheckTime(string? text, string name) => text is null || Time(text) is not null
        ? null
        : new Problem("request.time", $"{name} is a moment such as 2026-11-21T09:00:00Z.", "$." + name);

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}

/// <summary>What became of a batch.</summary>
/// <param name="Accepted">Records stored now.</param>
/// <param name="Duplicates">Records that were stored before.</param>
public sealed record StoredDecisions(int Accepted, int Duplicates);

/// <summary>Records of decisions.</summary>
/// <param name="Records">In the order of arrival.</param>
/// <param name="Next">Where to read on: <c>after</c>.</param>
/// <param name="More">Whether more is there already.</param>
public sealed record DecisionRecords(ImmutableArray<JsonElement> Records, string Next, bool More);
