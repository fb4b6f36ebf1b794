using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Silo.Http;

/// <summary>Waves: one bundle brought to several fleets, step by step, as one rollout.</summary>
public static class WaveEndpoints
{
    private const int ListMax = 1_000;

    // The wave's plan, and one of their own for some of its fleets.
    private static readonly BodyLimit PlansLimit = new(4 * 1024 * 1024);

    /// <summary>Maps them.</summary>
    public static void MapWaves(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/waves", StartAsync)
            .Is(Permission.Operate, "Start a wave; each of its rollouts takes one admission when its turn comes", WaveRules.EmptyCode, WaveRules.TooManyCode, WaveRules.TwiceCode, WaveRules.OverrideCode, WaveRules.OverlapsCode, "plan.*", "fleet.unknown", "fleet.epoch_behind", "bundle.unknown", "bundle.expired", "bundle.replayed", "rollout.in_flight", "rollout.no_fallback", "rollout.fleet_split", "rollout.already_running", "rollout.quarantined", "rollout.staleness_exceeds_deadline", "waiver.unknown", "waiver.not_in_force", "line.stopped", "freeze.window", "freeze.outside", "rollout.tenant_cap", "backtest.too_few_records", "backtest.changed")
            .Takes<WaveRequest>(PlansLimit)
            .Gives<WaveView>(StatusCodes.Status201Created);
        routes.MapGet("/waves", ListAsync)
            .Is(Permission.Read, "List waves, newest first", "request.limit")
            .Gives<WaveList>();
        routes.MapGet("/waves/{wave}", GetAsync)
            .Is(Permission.Read, "One wave with the rollouts of its fleets", WaveRules.UnknownCode)
            .Gives<WaveView>();
        Act(routes, "pause", "Halt it: nothing further starts, and its rollouts in flight are paused", (grain, reason, caller) => grain.PauseAsync(reason, caller));
        Act(routes, "resume", "Go on with it and with its rollouts", (grain, reason, caller) => grain.ResumeAsync(reason, caller));
        Act(routes, "rollback", "Take every fleet back that it brought the bundle to", (grain, reason, caller) => grain.RollBackAsync(reason, caller))
            .WithMetadata(new NeverLimited());
        Act(routes, "end", "Give it up: what it brought stays, what is in flight is on its own", (grain, reason, caller) => grain.EndAsync(reason, caller));
    }

    // What cannot be a wave's id has no grain: asking for it must cost no activation.
    private static IRolloutWaveGrain? Find(IGrainFactory grains, string tenant, string wave) =>
        Names.IsValid(wave) ? grains.Wave(tenant, wave) : null;

    private static ProblemAnswer Unknown() => new(WaveRules.UnknownCode, "The tenant has no such wave.");

    private static async Task<IResult> StartAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<WaveRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (fleets, reference, plan, critical, onHalt, overrides, reason) = request.Value;
        ImmutableArray<WaveOverride> apart = overrides.IsDefault ? [] : [.. overrides.Select(one => new WaveOverride(one?.Fleet ?? "", one?.RolloutWedge, one?.WaiverId))];
        if (RequestRules.Collect(
        [
            .. WaveRules.Check(fleets, apart),
            RequestRules.CheckRef(reference),
            Reasons.Check(reason),
            .. apart.Select((one, i) => one.WaiverId is null ? null : Names.Check(one.WaiverId, "A waiver's id", $"$.overrides[{i}].waiver_id")),
        ]) is { } refusal)
        {
            return refusal;
        }

        // Time-ordered, so that the newest wave has the highest id.
        var id = Guid.CreateVersion7().ToString("N");
        var start = new StartWave(fleets, reference!, plan.OrNull(), critical, onHalt, apart, reason!);
        var started = await http.OnceAsync(caller => grains.Wave(tenant, id).StartAsync(start, caller));
        return started.Succeeded
            ? new JsonAnswer(started.Value, StatusCodes.Status201Created, ("Location", $"/v1/{tenant}/waves/{started.Value.WaveId}"))
            : started.Refusal();
    }

    private static async Task<IResult> ListAsync(string tenant, IRolloutStore store, HttpContext http, int limit = 100)
    {
        if (RequestRules.Collect(RequestRules.CheckLimit(limit, ListMax)) is { } refusal)
        {
            return refusal;
        }

        var stored = await store.ListControlsAsync(tenant, ControlKinds.Wave, limit, http.RequestAborted);
        return Answers.Ok(new WaveList([.. stored.Select(wave => WaveView.Of(wave.Read<Wave>()))]));
    }

    private static async Task<IResult> GetAsync(string tenant, string wave, IGrainFactory grains) =>
        Find(grains, tenant, wave) is { } grain ? (await grain.GetAsync()).Answer() : Unknown();

    private static RouteHandlerBuilder Act(
        IEndpointRouteBuilder routes, string action, string summary, Func<IRolloutWaveGrain, string, Caller, Task<Outcome<WaveView>>> act) =>
        routes.MapPost("/waves/{wave}/" + action, (string tenant, string wave, IGrainFactory grains, HttpContext http) =>
                ActAsync(tenant, wave, grains, http, act))
            .Is(Permission.Operate, summary, WaveRules.UnknownCode, WaveRules.StateCode, "reason.missing")
            .Takes<ReasonRequest>()
            .Gives<WaveView>();

    private static async Task<IResult> ActAsync(
        string tenant, string wave, IGrainFactory grains, HttpContext http, Func<IRolloutWaveGrain, string, Caller, Task<Outcome<WaveView>>> act)
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

        return Find(grains, tenant, wave) is { } grain
            ? (await http.OnceAsync(caller => act(grain, request.Value.Reason!, caller))).Answer()
            : Unknown();
    }
}

/// <summary>A wave to start.</summary>
/// <param name="Fleets">The fleets, by step: the steps follow each other, the fleets of one go side by side.</param>
/// <param name="Ref">The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="RolloutWedge">The plan of every fleet.</param>
/// <param name="Critical">Whether the bounds of critical subsystems apply.</param>
/// <param name="OnHalt">What follows where a fleet's rollout goes back or pauses by itself; by default <c>pause</c>.</param>
/// <param name="Overrides">What is otherwise for single fleets.</param>
/// <param name="Reason">Why.</param>
public sealed record WaveRequest(
    ImmutableArray<ImmutableArray<string>> Fleets, string? Ref, JsonElement RolloutWedge, bool Critical, WaveOnHalt OnHalt,
    ImmutableArray<WaveOverrideRequest?> Overrides, string? Reason);

/// <summary>What is otherwise for one fleet of a wave.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="RolloutWedge">Its plan, in place of the wave's.</param>
/// <param name="WaiverId">A waiver of the multi-stage rule, or of the backtest.</param>
public sealed record WaveOverrideRequest(string? Fleet, JsonElement? RolloutWedge, string? WaiverId);

/// <summary>Waves, newest first.</summary>
public sealed record WaveList(ImmutableArray<WaveView> Waves);
