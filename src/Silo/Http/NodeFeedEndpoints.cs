using System.Globalization;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>A node's two calls: hear what to run, say what runs.</summary>
public static class NodeFeedEndpoints
{
    private const string NoLeaseCode = "lease.unavailable";
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(20);
    private static readonly BodyLimit ReportLimit = new(256 * 1024);
    private static readonly UnavailableAs NoLease = new(NoLeaseCode);

    /// <summary>Maps them.</summary>
    public static void MapNodeFeed(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/fleets/{fleet}/nodes/{node}/directive", HearAsync)
            .Is(Permission.ActAsNode, "What the node should run; held while its ETag is the newest", "fleet.unknown", "node.unknown", NoLeaseCode, Draining.Code, "request.wait")
            .WithMetadata(NoLease, new HoldsRequests())
            .Gives<NodeDirective>()
            .Produces(StatusCodes.Status304NotModified);
        routes.MapPost("/fleets/{fleet}/nodes/{node}/report", ReportAsync)
            .Is(Permission.ActAsNode, "What the node runs, and how it fares", "fleet.unknown", "node.unknown", "report.invalid", NoLeaseCode)
            .WithMetadata(NoLease, new AnsweredAnew())
            .Takes<NodeReport>(ReportLimit)
            .Gives<ReportAnswer>();
    }

    /// <summary>A feed's answer over HTTP.</summary>
    internal static IResult ToResult(this FeedAnswer answer) => answer switch
    {
        FeedAnswer.Changed changed => new DirectiveAnswer(changed.ETag, changed.Body, changed.Directive.LeaseSec),
        FeedAnswer.Unchanged unchanged => new DirectiveAnswer(unchanged.ETag, null, unchanged.LeaseSec),
        FeedAnswer.Refused refused => Refuse(refused),
        _ => throw new InvalidOperationException($"A feed answered {answer.GetType().Name}."),
    };

    internal static ProblemAnswer Refuse(FeedAnswer.Refused refused) => new(
        [new Problem(refused.Code, refused.Message)], refused.Status == StatusCodes.Status503ServiceUnavailable ? TimeSpan.FromSeconds(1) : null, status: refused.Status);

    private static async Task<IResult> HearAsync(
        string tenant, string fleet, string node, FleetFeeds feeds, PolicyMeter meter, IHostApplicationLifetime lifetime, HttpContext http, string? wait = null)
    {
        if (!TryReadWait(wait, out var time))
        {
            return new ProblemAnswer("request.wait", $"wait is a number of seconds, 0 to {WaitMax.TotalSeconds}.", "$.wait");
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Draining.HandBack(http);
        }

        if (ServerSentEvents.AreWanted(http.Request))
        {
            return new DirectiveStream(tenant, fleet, node, feeds);
        }

        using var ended = http.EndOfPolls();
        meter.Polls.Add(1);
        try
        {
            return (await feeds.WaitAsync(tenant, fleet, node, Tag(http.Request), time, ended.Token)).ToResult();
        }
        catch (OperationCanceledException) when (http.ApiCaller().Ended.IsCancellationRequested)
        {
            return new ProblemAnswer("auth.ended", "The key was revoked or has expired.");
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Draining.HandBack(http);
        }
        finally
        {
            meter.Polls.Add(-1);
        }
    }

    private static async Task<IResult> ReportAsync(string tenant, string fleet, string node, FleetFeeds feeds, HttpContext http)
    {
        var report = await http.ReadAsync<NodeReport>();
        if (!report.Succeeded)
        {
            return report.Refusal();
        }

        var (answer, note) = await feeds.ReportAsync(tenant, fleet, node, report.Value, http.RequestAborted);
        return answer is FeedAnswer.Changed changed ? Answers.Ok(new ReportAnswer(changed.Directive, note)) : answer.ToResult();
    }

    private static bool TryReadWait(string? text, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (text is null)
        {
            return true;
        }

        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) || !double.IsFinite(seconds))
        {
            return false;
        }

        wait = TimeSpan.FromSeconds(Math.Min(seconds, WaitMax.TotalSeconds));
        return true;
    }

    // One tag is all a node ever has; a list or a weak one is answered like none, which costs an answer and nothing else.
    private static string? Tag(HttpRequest request) => request.Headers.IfNoneMatch is [{ } tag] ? tag : null;
}

/// <summary>The answer to a report.</summary>
/// <param name="Directive">What the node should run.</param>
/// <param name="Code"><c>report.stale</c> where the report was older than one heard before.</param>
public sealed record ReportAnswer(NodeDirective Directive, string? Code);
