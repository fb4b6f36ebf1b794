using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Rollouts: one plan carried out on one fleet.</summary>
public static class RolloutEndpoints
{
    private const int ListMax = 1_000;
    private static readonly BodyLimit PlanLimit = new(1024 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapRollouts(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/rollouts", StartAsync)
            .Is(Permission.Operate, "Start a rollout; takes one admission", "plan.*", "fleet.unknown", "fleet.epoch_behind", "bundle.unknown", "bundle.expired", "bundle.replayed", "rollout.in_flight", "rollout.no_fallback", "rollout.fleet_split", "rollout.already_running", "rollout.quarantined", "rollout.staleness_exceeds_deadline", "waiver.unknown", "waiver.not_in_force", "line.stopped", "freeze.window", "freeze.outside", RolloutProblems.TenantCap, "backtest.too_few_records", "backtest.changed", "admission.refused")
            .Takes<RolloutRequest>(PlanLimit)
            .Gives<RolloutView>(StatusCodes.Status201Created);
        routes.MapGet("/rollouts", ListAsync)
            .Is(Permission.Read, "List rollouts, newest first", "request.limit", Names.InvalidCode)
            .Gives<RolloutList>();
        routes.MapGet("/rollouts/{rollout}", GetAsync)
            .Is(Permission.Read, "One rollout", "rollout.unknown")
            .Gives<RolloutView>();
        routes.MapGet("/rollouts/{rollout}/why", WhyAsync)
            .Is(Permission.Read, "Why it stands where it stands", "rollout.unknown")
            .Gives<WhyView>();
        Act(routes, "pause", Permission.Operate, "Stop its clock", (grain, reason, caller) => grain.PauseAsync(reason, caller));
        Act(routes, "resume", Permission.Operate, "Go on with a full new window", (grain, reason, caller) => grain.ResumeAsync(reason, caller));
        routes.MapPost("/rollouts/{rollout}/approve", ApproveAsync)
            .Is(Permission.Approve, "Let a manual rollout leave its stage", "rollout.unknown", "rollout.state", RolloutProblems.ApprovalNotNeeded, RolloutProblems.SamePerson, "reason.missing")
            .Takes<ApproveRequest>()
            .Gives<RolloutView>();
        routes.MapPost("/rollouts/{rollout}/attest", AttestAsync)
            .Is(Permission.Operate, "Say whether a criterion for a person is met in the current stage", "rollout.unknown", "rollout.state", "rollout.not_attestable", "attestation.invalid", "reason.missing")
            .Takes<AttestRequest>()
            .Gives<RolloutView>();
        Act(routes, "rollback", Permission.Operate, "Take it back, from every state that is not final", (grain, reason, caller) => grain.RollBackAsync(reason, caller), "fleet.epoch_behind")
            .WithMetadata(new NeverLimited());
    }

    // What cannot be a rollout's id has no grain: asking for it must cost no activation.
    private static IRolloutWedgeGrain? Find(IGrainFactory grains, string tenant, string rollout) =>
        Names.IsValid(rollout) ? grains.Rollout(tenant, rollout) : null;

    internal static ProblemAnswer Unknown() => new("rollout.unknown", "The tenant has no such rollout.");

    private static async Task<IResult> StartAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<RolloutRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (fleet, reference, plan, critical, waiver, reason) = request.Value;
        if (RequestRules.Collect(
            Names.Check(fleet, "A fleet's name", "$.fleet"),
            RequestRules.CheckRef(reference),
            Reasons.Check(reason),
            waiver is null ? null : Names.Check(waiver, "A waiver's id", "$.waiver_id")) is { } refusal)
        {
            return refusal;
        }

        // Time-ordered, so that the newest rollout has the highest id.
        var id = Guid.CreateVersion7().ToString("N");
        var start = new StartRollout(fleet!, reference!, plan.OrNull(), critical, reason!, waiver);
        var started = await http.OnceAsync(caller => grains.Rollout(tenant, id).StartAsync(start, caller));
        return started.Succeeded
            ? new JsonAnswer(started.Value, StatusCodes.Status201Created, ("Location", $"/v1/{tenant}/rollouts/{started.Value.RolloutId}"))
            : await started.RefusalAsync(http, tenant, grains, AdmissionDemand.StartRollout, fleet);
    }

    private static async Task<IResult> ListAsync(string tenant, IRolloutStore store, HttpContext http, string? fleet = null, int limit = 100)
    {
        if (RequestRules.Collect(
            RequestRules.CheckLimit(limit, ListMax),
            fleet is null ? null : Names.Check(fleet, "A fleet's name", "$.fleet")) is { } refusal)
        {
            return refusal;
        }

        var rollouts = await store.ListRolloutsAsync(tenant, fleet, limit, http.RequestAborted);
        return Answers.Ok(new RolloutList([.. rollouts.Select(rollout => RolloutViews.View(rollout, nodes: null))]));
    }

    private static async Task<IResult> GetAsync(string tenant, string rollout, IGrainFactory grains) =>
        Find(grains, tenant, rollout) is { } grain ? (await grain.GetAsync()).Answer() : Unknown();

    private static async Task<IResult> WhyAsync(string tenant, string rollout, IGrainFactory grains) =>
        Find(grains, tenant, rollout) is { } grain ? (await grain.GetAsync()).Answer(view => WhyView.Of(view.State, view.Why)) : Unknown();

    private static async Task<IResult> ApproveAsync(string tenant, string rollout, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<ApproveRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (reason, stage) = request.Value;
        if (Reasons.Check(reason) is { } problem)
        {
            return new ProblemAnswer([problem]);
        }

        return Find(grains, tenant, rollout) is { } grain
            ? (await http.OnceAsync(caller => grain.ApproveAsync(reason!, caller, stage))).Answer()
            : Unknown();
    }

    private static async Task<IResult> AttestAsync(string tenant, string rollout, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<AttestRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (criterion, met, reason) = request.Value;
        if (RequestRules.Collect(
            criterion is { Length: > 0 and <= CriterionParser.LengthMax }
                ? null
                : new Problem("attestation.invalid", "criterion is the criterion's text, as it stands in the plan.", "$.criterion"),
            met is null ? new Problem("attestation.invalid", "met is true or false.", "$.met") : null,
            Reasons.Check(reason)) is { } refusal)
        {
            return refusal;
        }

        return Find(grains, tenant, rollout) is { } grain
            ? (await http.OnceAsync(caller => grain.AttestAsync(criterion!, met!.Value, reason!, caller))).Answer()
            : Unknown();
    }

    private static RouteHandlerBuilder Act(
        IEndpointRouteBuilder routes, string action, Permission permission, string summary,
        Func<IRolloutWedgeGrain, string, Caller, Task<Outcome<RolloutView>>> act, params string[] codes) =>
        routes.MapPost("/rollouts/{rollout}/" + action, (string tenant, string rollout, IGrainFactory grains, HttpContext http) =>
                ActAsync(tenant, rollout, grains, http, act))
            .Is(permission, summary, ["rollout.unknown", "rollout.state", "reason.missing", .. codes])
            .Takes<ReasonRequest>()
            .Gives<RolloutView>();

    private static async Task<IResult> ActAsync(
        string tenant, string rollout, IGrainFactory grains, HttpContext http,
        Func<IRolloutWedgeGrain, string, Caller, Task<Outcome<RolloutView>>> act)
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

        return Find(grains, tenant, rollout) is { } grain
            ? (await http.OnceAsync(caller => act(grain, request.Value.Reason!, caller))).Answer()
            : Unknown();
    }
}

/// <summary>A rollout to start.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Ref">The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="RolloutWedge">The plan.</param>
/// <param name="Critical">Whether the bounds of critical subsystems apply.</param>
/// <param name="WaiverId">A waiver of the multi-stage rule, or of the backtest.</param>
/// <param name="Reason">Why.</param>
public sealed record RolloutRequest(string? Fleet, string? Ref, JsonElement RolloutWedge, bool Critical, string? WaiverId, string? Reason);

/// <summary>Leave to go on.</summary>
/// <param name="Reason">Why.</param>
/// <param name="StageId">The stage that may be left; none: whichever the rollout is in.</param>
public sealed record ApproveRequest(string? Reason, string? StageId);

/// <summary>What a person says of a criterion that no program can evaluate.</summary>
/// <param name="Criterion">The criterion, as it stands in the plan.</param>
/// <param name="Met">Whether it is met.</param>
/// <param name="Reason">Why.</param>
public sealed record AttestRequest(string? Criterion, bool? Met, string? Reason);

/// <summary>Rollouts, newest first.</summary>
public sealed record RolloutList(ImmutableArray<RolloutView> Rollouts);

/// <summary>Why a rollout, or a fleet, stands where it stands.</summary>
public sealed record WhyView(
    string State, string Code, string Sentence, string? Criterion, double? Measured, double? Limit, DateTimeOffset Since, string? Next,
    DateTimeOffset? Until = null)
{
    internal static WhyView Of(RolloutPhase state, Why why) => new(
        JsonSerializer.SerializeToElement(state, PolicyJson.Options).GetString()!,
        why.Code, why.Sentence, why.Criterion, why.Measured, why.Limit, why.Since, why.Next, why.Until);
}
