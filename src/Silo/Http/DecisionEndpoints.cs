using System.Collections.Immutable;
using System.Text.Json.Nodes;
using OrleansPolicy.Decisions;
using OrleansPolicy.Grains;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// Decisions answered by the silo, for who cannot decide in process. They call no grain and read no row: the bundle is compiled in
/// this process, and whether it may be served is known from the feed.
/// </summary>
public static class DecisionEndpoints
{
    private static readonly BodyLimit ContextLimit = new(256 * 1024);
    private static readonly UnavailableAs Closed = new(ServedRules.StaleCode, Denies: true);

    /// <summary>Maps them.</summary>
    public static void MapDecisions(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/fleets/{fleet}/nodes/{node}/decide", DecideOnNodeAsync)
            .Is(Permission.DecideOnNode, "Decide under the bundle that the node last ACKed", [.. ServedRules.Codes, "node.unknown", "request.capability_id", "request.context"])
            .WithMetadata(Closed, new AnsweredFromMemory(), new AnsweredAnew())
            .Takes<DecideInput>(ContextLimit)
            .Gives<DecisionAnswer>();
        routes.MapPost("/decide", DecideAsync)
            .Is(Permission.Decide, "Decide under the bundle of the tenant's default fleet", [.. ServedRules.Codes, "request.capability_id", "request.context"])
            .WithMetadata(Closed, new AnsweredFromMemory(), new AnsweredAnew())
            .Takes<DecideInput>(ContextLimit)
            .Gives<DecisionAnswer>();
        routes.MapPost("/decide:explain", ExplainAsync)
            .Is(Permission.Decide, "The same, with each rule tried and why it did or did not match", [.. ServedRules.Codes, "request.capability_id", "request.context"])
            .WithMetadata(Closed, new AnsweredAnew())
            .Takes<DecideInput>(ContextLimit)
            .Gives<ExplainedDecision>();
    }

    private static Task<IResult> DecideOnNodeAsync(
        string tenant, string fleet, string node, ServedRules served, PolicyMeter meter, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        AnswerAsync(tenant, () => served.OfNodeAsync(tenant, fleet, node, http.RequestAborted), meter, time, http, DecisionAnswer.Of);

    private static Task<IResult> DecideAsync(
        string tenant, ServedRules served, PolicyMeter meter, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        AnswerAsync(tenant, () => served.OfDefaultFleetAsync(tenant, http.RequestAborted), meter, time, http, DecisionAnswer.Of);

    private static Task<IResult> ExplainAsync(
        string tenant, ServedRules served, PolicyMeter meter, [FromKeyedServices(PolicyClock.Key)] TimeProvider time, HttpContext http) =>
        AnswerAsync(tenant, () => served.OfDefaultFleetAsync(tenant, http.RequestAborted), meter, time, http, ExplainedDecision.Of);

    private static async Task<IResult> AnswerAsync<TAnswer>(
        string tenant, Func<Task<Outcome<Serving>>> find, PolicyMeter meter, TimeProvider time, HttpContext http,
        Func<Serving, DecisionRequest, (bool Allowed, TAnswer Answer)> decide)
        where TAnswer : class
    {
        var body = await http.RentJsonAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        using var json = body.Value;
        var input = DecideInputs.Read(json.Root);
        if (!input.Succeeded)
        {
            return input.Refusal();
        }

        var serving = await find();
        if (!serving.Succeeded)
        {
            meter.Decisions.Add(1, new("tenant", tenant), new("result", "unavailable"));
            return Refuse(serving, input.Value);
        }

        var (allowed, answer) = decide(serving.Value, new DecisionRequest(input.Value.CapabilityId, input.Value.Context, time.GetUtcNow()));
        meter.Decisions.Add(1, new("tenant", tenant), new("result", allowed ? "allowed" : "denied"));
        return Answers.Ok(answer);
    }

    // A caller that reads only the decision must find a denial in it.
    private static ProblemAnswer Refuse(Outcome<Serving> serving, DecisionInput input) => new(
        serving.Problems,
        extensions: new JsonObject
        {
            ["allowed"] = false,
            ["capability_id"] = input.CapabilityId,
            ["decision"] = new JsonObject { ["allowed"] = false, ["require_confirmation"] = false, ["reason"] = serving.Problems[0].Code },
        });
}

/// <summary>A decision with the policy that made it.</summary>
public sealed record DecisionAnswer(
    string CapabilityId, Decision Decision, string PolicyVersion, string PolicyHash, long Epoch, DateTimeOffset Timestamp)
{
    internal static (bool Allowed, DecisionAnswer Answer) Of(Serving serving, DecisionRequest request)
    {
        var decision = serving.Rules.Decide(request);
        return (decision.Allowed, new(request.CapabilityId, decision, serving.Rules.Version, serving.Rules.PolicyHash, serving.Epoch, request.Now));
    }
}

/// <summary>A decision with the way to it.</summary>
public sealed record ExplainedDecision(
    string CapabilityId, Decision Decision, string PolicyVersion, string PolicyHash, long Epoch, DateTimeOffset Timestamp,
    ImmutableArray<DecisionStep> Steps, bool Truncated)
{
    internal static (bool Allowed, ExplainedDecision Answer) Of(Serving serving, DecisionRequest request)
    {
        var trace = serving.Rules.Explain(request);
        return (trace.Decision.Allowed, new(
            request.CapabilityId, trace.Decision, serving.Rules.Version, serving.Rules.PolicyHash, serving.Epoch, request.Now, trace.Steps, trace.Truncated));
    }
}
