using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>What a relay says for the nodes behind it.</summary>
public static class RelayEndpoints
{
    private static readonly BodyLimit BatchLimit = new(32 * 1024 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapRelays(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/fleets/{fleet}/reports:batch", ReportAsync)
            .Is(Permission.ReportForNodes, "Many nodes' reports at once: a list of {node, ...report}", "fleet.unknown", "node.batch_size", "lease.unavailable")
            .WithMetadata(new UnavailableAs("lease.unavailable"), new AnsweredAnew())
            .Takes<ImmutableArray<NodeReport>>(BatchLimit)
            .Gives<RelayAnswer>();

    private static async Task<IResult> ReportAsync(string tenant, string fleet, FleetFeeds feeds, HttpContext http)
    {
        var body = await http.ReadJsonAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        if (body.Value.ValueKind != JsonValueKind.Array || body.Value.GetArrayLength() > RegistrationRules.BatchMax)
        {
            return new ProblemAnswer("node.batch_size", $"Send a list of at most {RegistrationRules.BatchMax} reports.");
        }

        var (reports, rejected) = Read(body.Value);
        var answer = await feeds.ReportManyAsync(tenant, fleet, reports, http.RequestAborted);
        return answer.Refused is { } refused
            ? NodeFeedEndpoints.Refuse(refused)
            : Answers.Ok(new RelayAnswer(answer.Directive!, answer.LeaseSec, [.. rejected, .. answer.Rejected], answer.Armed, answer.ArmedByNode));
    }

    // One report that cannot be read must not keep back the others.
    private static (List<RelayedReport> Reports, List<RejectedReport> Rejected) Read(JsonElement body)
    {
        var reports = new List<RelayedReport>(body.GetArrayLength());
        var rejected = new List<RejectedReport>();
        foreach (var element in body.EnumerateArray())
        {
            var node = element.ValueKind == JsonValueKind.Object && element.TryGetProperty("node", out var name) && name.ValueKind == JsonValueKind.String
                ? name.ReadText() ?? ""
                : "";
            var report = Names.IsValid(node) ? RequestBody.Bind<NodeReport>(element) : Outcome<NodeReport>.Fail(Names.InvalidCode, "No node's name.");
            if (report.Succeeded)
            {
                reports.Add(new RelayedReport(node, report.Value));
            }
            else
            {
                rejected.Add(new RejectedReport(node.Length <= 64 ? node : node[..64], ReportRules.InvalidCode));
            }
        }

        return (reports, rejected);
    }
}

/// <summary>The answer to a relay.</summary>
/// <param name="Directive">The fleet's whole directive: the relay derives each node's.</param>
/// <param name="LeaseSec">Each node's lease, counted from when it sent to the relay; null: leases are off.</param>
/// <param name="Rejected">Reports that were not taken.</param>
/// <param name="Armed">Whether a node may serve that is not in <paramref name="ArmedByNode"/>; under the directive's <c>arm_epoch</c>.</param>
/// <param name="ArmedByNode">The nodes of which somebody spoke by name.</param>
public sealed record RelayAnswer(
    Directive Directive,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)] int? LeaseSec,
    ImmutableArray<RejectedReport> Rejected,
    bool Armed,
    ImmutableSortedDictionary<string, bool> ArmedByNode);
