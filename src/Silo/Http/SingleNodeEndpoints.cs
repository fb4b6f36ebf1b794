using System.Text.Json.Nodes;
using OrleansPolicy.Decisions;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.SingleNode;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// This process as one policy service, as clients of the unison service know it: node <c>local</c> decides, in this process and without
/// a lock, a wait or a call.
/// </summary>
public static class SingleNodeEndpoints
{
    private static readonly BodyLimit ContextLimit = new(256 * 1024);
    private static readonly UnavailableAs Closed = new(ServedRules.StaleCode, Denies: true);
    private static readonly string[] DecideCodes = ["decide.stale", "decide.no_policy", "decide.superseded", "request.capability_id", "request.context"];

    /// <summary>Maps them.</summary>
    public static void MapSingleNode(this IEndpointRouteBuilder routes)
    {
        foreach (var path in (string[])["/decide", "/evaluate"])
        {
            routes.MapPost(path, DecideAsync)
                .IsOfLocalNode(Permission.Decide, "Decide under the bundle of node local", DecideCodes)
                .WithMetadata(Closed, new OpenOnSingleNode(), new AnsweredFromMemory())
                .TakesOpenly<DecideInput>(ContextLimit)
                .Gives<LocalDecision>();
        }

        routes.MapGet("/rules", RulesAsync)
            .IsOfLocalNode(Permission.Read, "The rules in force")
            .WithMetadata(new OpenOnSingleNode())
            .Gives<LocalRules>();
        routes.MapGet("/bundle", BundleAsync)
            .IsOfLocalNode(Permission.Read, "The bundle in force, without its rules")
            .WithMetadata(new OpenOnSingleNode())
            .Gives<LocalBundle>();
        routes.MapGet("/reload/history", (LocalNode local) => Answers.Ok(ReloadHistory.Of(local.Node?.Status.Reloads)))
            .IsOfLocalNode(Permission.Read, "The last ten reloads, newest first")
            .WithMetadata(new OpenOnSingleNode())
            .Gives<ReloadHistory>();
        routes.MapGet("/reload/stats", (LocalNode local) => Answers.Ok(ReloadStats.Of(local.Node?.Status.Reloads)))
            .IsOfLocalNode(Permission.Read, "All reloads since the process began, counted")
            .WithMetadata(new OpenOnSingleNode())
            .Gives<ReloadStats>();
    }

    /// <summary>Says what an endpoint demands; a key of another tenant than node <c>local</c>'s is refused.</summary>
    internal static RouteHandlerBuilder IsOfLocalNode(this RouteHandlerBuilder endpoint, Permission permission, string summary, params string[] codes) =>
        endpoint.Is(permission, summary, codes).WithMetadata(new OfTenant(LocalNode.Tenant));

    private static async Task<IResult> DecideAsync(LocalNode local, PolicyMeter meter, HttpContext http)
    {
        var request = await http.ReadAsync<DecideInput>();
        var input = request.Succeeded ? DecideInputs.Read(request.Value, "$") : request.As<DecisionInput>();
        if (!input.Succeeded)
        {
            return input.Refusal();
        }

        var decided = (await local.FindAsync(http.RequestAborted))?.Decide(input.Value.CapabilityId, input.Value.Context);
        if (decided is not { Served: true } decision)
        {
            meter.Decisions.Add(1, new("tenant", LocalNode.Tenant), new("result", "unavailable"));
            return Refuse(decided?.Decision.Reason ?? "decide.no_policy", input.Value);
        }

        meter.Decisions.Add(1, new("tenant", LocalNode.Tenant), new("result", decision.Allowed ? "allowed" : "denied"));
        return Answers.Ok(LocalDecision.Of(input.Value, decision));
    }

    private static async Task<IResult> RulesAsync(LocalNode local, HttpContext http) =>
        Answers.Ok(LocalRules.Of((await local.FindAsync(http.RequestAborted))?.Bundle));

    private static async Task<IResult> BundleAsync(LocalNode local, HttpContext http) =>
        Answers.Ok(LocalBundle.Of(await local.FindAsync(http.RequestAborted)));

    // A caller that reads only the decision must find a denial in it.
    private static ProblemAnswer Refuse(string code, DecisionInput input) => new(
        [new Problem(code, "Node local must not serve now.")],
        extensions: new JsonObject
        {
            ["allowed"] = false,
            ["capability_id"] = input.CapabilityId,
            ["decision"] = new JsonObject { ["allowed"] = false, ["require_confirmation"] = false, ["reason"] = code },
        });
}
