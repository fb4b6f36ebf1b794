using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The tenant's line: stopped, none of its rollouts starts or goes forward.</summary>
public static class LineEndpoints
{
    private const string Subject = "line";

    /// <summary>Maps them.</summary>
    public static void MapLine(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/line", GetAsync)
            .Is(Permission.Read, "Whether the line is stopped, by whom and why")
            .Gives<LineView>();
        Act(routes, "stop", "Stop the line: no rollout of the tenant starts or goes forward until it is released", "line.stopped", RestraintRules.Stop)
            .WithMetadata(new NeverLimited());
        Act(routes, "release", "Release the line", "line.released", (restraints, _, _, _) => RestraintRules.Release(restraints));
    }

    private static async Task<IResult> GetAsync(string tenant, IRolloutStore store, HttpContext http) =>
        Answers.Ok(View(await store.ReadRestraintsAsync(tenant, http.RequestAborted)));

    private static RouteHandlerBuilder Act(
        IEndpointRouteBuilder routes, string verb, string summary, string action,
        Func<Restraints, Audit.Actor, string, DateTimeOffset, Outcome<Restraints>> act) =>
        routes.MapPost("/line/" + verb, (string tenant, ControlWrites controls, HttpContext http) => ActAsync(tenant, controls, http, action, act))
            .Is(Permission.Restrain, summary, RestraintRules.LineStateCode, "reason.missing")
            .Takes<ReasonRequest>()
            .Gives<LineView>();

    private static async Task<IResult> ActAsync(
        string tenant, ControlWrites controls, HttpContext http, string action,
        Func<Restraints, Audit.Actor, string, DateTimeOffset, Outcome<Restraints>> act)
    {
        var request = await http.ReadAsync<ReasonRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        if (Reasons.Check(request.Value.Reason) is { } problem)
        {
            return new ProblemAnswer([problem]);
        }

        var (by, reason) = (http.ApiCaller().Actor, request.Value.Reason!);
        var changed = await controls.WriteAsync<Restraints>(
            http, tenant, ControlKinds.Restraints, ControlKinds.OfTenant, StatusCodes.Status200OK, (known, now) =>
            {
                var before = known ?? Restraints.None;
                var after = act(before, by, reason, now);
                return after.Succeeded
                    ? ControlChange<Restraints>.Of(after.Value, by, action, Subject, reason, now, ("stopped_by", before.Line?.By.Subject))
                    : after.As<ControlChange<Restraints>>();
            });
        return changed.Answer(View);
    }

    private static LineView View(Restraints restraints) => restraints.Line is { } stop
        ? new LineView(true, stop.By.Subject, stop.Reason, stop.At)
        : new LineView(false, null, null, null);
}

/// <summary>The line for a reader.</summary>
/// <param name="Stopped">Whether it is stopped.</param>
/// <param name="By">Who stopped it.</param>
/// <param name="Reason">Why.</param>
/// <param name="Since">Since when.</param>
public sealed record LineView(bool Stopped, string? By, string? Reason, DateTimeOffset? Since);
