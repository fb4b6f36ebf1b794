using System.Globalization;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>The tenant's caps: how much of it may be on its way at a time.</summary>
public static class CapEndpoints
{
    private const string Subject = "caps";

    /// <summary>Maps them.</summary>
    public static void MapCaps(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/caps", GetAsync)
            .Is(Permission.Read, "The tenant's caps, by whom and why")
            .Gives<CapsView>();
        routes.MapPut("/caps", SetAsync)
            .Is(Permission.Restrain, "Cap rollouts in flight, and nodes of one failure domain in a stage", CapRules.InvalidCode, "reason.missing")
            .Takes<CapsRequest>()
            .Gives<CapsView>();
        routes.MapDelete("/caps", RemoveAsync)
            .Is(Permission.Restrain, "Take the caps away", CapRules.UnknownCode, "reason.missing")
            .Gives<CapsView>();
    }

    private static async Task<IResult> GetAsync(string tenant, IRolloutStore store, HttpContext http) =>
        Answers.Ok(View(await store.ReadRestraintsAsync(tenant, http.RequestAborted)));

    private static async Task<IResult> SetAsync(string tenant, ControlWrites controls, HttpContext http)
    {
        var request = await http.ReadAsync<CapsRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (rollouts, nodes, reason) = request.Value;
        var by = http.ApiCaller().Actor;
        return Reasons.Check(reason) is { } problem
            ? new ProblemAnswer([problem])
            : await ChangeAsync(
                controls, http, tenant, "caps.set", reason!, (known, now) => CapRules.Set(known, new TenantCaps(rollouts, nodes, reason!, by, now)));
    }

    private static async Task<IResult> RemoveAsync(string tenant, ControlWrites controls, HttpContext http, string? reason = null) =>
        Reasons.Check(reason) is { } problem
            ? new ProblemAnswer([problem])
            : await ChangeAsync(controls, http, tenant, "caps.removed", reason!, (known, _) => CapRules.Remove(known));

    private static async Task<IResult> ChangeAsync(
        ControlWrites controls, HttpContext http, string tenant, string action, string reason,
        Func<Restraints, DateTimeOffset, Outcome<Restraints>> change)
    {
        var by = http.ApiCaller().Actor;
        var changed = await controls.WriteAsync<Restraints>(
            http, tenant, ControlKinds.Restraints, ControlKinds.OfTenant, StatusCodes.Status200OK, (known, now) =>
            {
                var before = known ?? Restraints.None;
                var after = change(before, now);
                return after.Succeeded
                    ? ControlChange<Restraints>.Of(
                        after.Value, by, action, Subject, reason, now,
                        ("max_concurrent_rollouts", Moved(before.Caps?.MaxConcurrentRollouts, after.Value.Caps?.MaxConcurrentRollouts)),
                        ("max_nodes_per_failure_domain", Moved(before.Caps?.MaxNodesPerFailureDomain, after.Value.Caps?.MaxNodesPerFailureDomain)))
                    : after.As<ControlChange<Restraints>>();
            });
        return changed.Answer(View);
    }

    private static string? Moved(int? before, int? after) => before == after ? null : $"{Text(before)} -> {Text(after)}";

    private static string Text(int? cap) => cap?.ToString(CultureInfo.InvariantCulture) ?? "none";

    private static CapsView View(Restraints restraints) => restraints.Caps is { } caps
        ? new CapsView(caps.MaxConcurrentRollouts, caps.MaxNodesPerFailureDomain, caps.Reason, caps.By.Subject, caps.At)
        : new CapsView(null, null, null, null, null);
}

/// <summary>Caps to set, in the place of those before; at least one.</summary>
/// <param name="MaxConcurrentRollouts">No rollout starts while so many are in flight; null: any number may be.</param>
/// <param name="MaxNodesPerFailureDomain">A stage below 100 % takes at most so many nodes of one failure domain; null: as the plan says.</param>
/// <param name="Reason">Why.</param>
public sealed record CapsRequest(int? MaxConcurrentRollouts, int? MaxNodesPerFailureDomain, string? Reason);

/// <summary>The tenant's caps for a reader.</summary>
/// <param name="MaxConcurrentRollouts">No rollout starts while so many are in flight; null: any number may be.</param>
/// <param name="MaxNodesPerFailureDomain">A stage below 100 % takes at most so many nodes of one failure domain; null: as the plan says.</param>
/// <param name="Reason">Why; null: there are none.</param>
/// <param name="SetBy">Who set them.</param>
/// <param name="SetAt">When.</param>
public sealed record CapsView(int? MaxConcurrentRollouts, int? MaxNodesPerFailureDomain, string? Reason, string? SetBy, DateTimeOffset? SetAt);
