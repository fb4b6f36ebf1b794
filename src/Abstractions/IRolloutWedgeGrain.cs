using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Abstractions;

/// <summary>One rollout (key: <c>tenant/rollout</c>): drives it through its stages until it is complete or taken back.</summary>
[Alias("policy.rollout-wedge")]
public interface IRolloutWedgeGrain : IGrainWithStringKey
{
    /// <summary>
    /// Starts it; takes one admission. Fails with <c>plan.*</c> (all at once), <c>fleet.unknown</c>, <c>fleet.epoch_behind</c>,
    /// <c>bundle.unknown</c>, <c>bundle.expired</c>, <c>bundle.replayed</c>, <c>bundle.*</c> (signatures that count no more), <c>rollout.exists</c>,
    /// <c>rollout.in_flight</c>, <c>rollout.no_fallback</c>, <c>rollout.fleet_split</c>, <c>rollout.already_running</c>,
    /// <c>rollout.quarantined</c>, <c>rollout.tenant_cap</c>, <c>rollout.staleness_exceeds_deadline</c>, <c>wave.state</c>,
    /// <c>waiver.unknown</c>, <c>waiver.not_in_force</c>, <c>line.stopped</c>, <c>freeze.window</c>, <c>freeze.outside</c>,
    /// <c>backtest.too_few_records</c>, <c>backtest.changed</c>, <c>admission.refused</c>, <see cref="CommonCodes"/>.
    /// </summary>
    [Alias("start")]
    Task<Outcome<RolloutView>> StartAsync([Immutable] StartRollout request, [Immutable] Caller caller);

    /// <summary>The rollout now. Fails with <c>rollout.unknown</c>.</summary>
    [Alias("get")]
    Task<Outcome<RolloutView>> GetAsync();

    /// <summary>Stops its clock. Fails with <c>rollout.state</c>.</summary>
    [Alias("pause")]
    Task<Outcome<RolloutView>> PauseAsync(string reason, [Immutable] Caller caller);

    /// <summary>Goes on with a full new window. Fails with <c>rollout.state</c>.</summary>
    [Alias("resume")]
    Task<Outcome<RolloutView>> ResumeAsync(string reason, [Immutable] Caller caller);

    /// <summary>
    /// Lets a manual plan leave its stage; with a stage, that one and no other. Fails with <c>rollout.state</c>,
    /// <c>rollout.approval_not_needed</c>, <c>rollout.same_person</c>.
    /// </summary>
    [Alias("approve")]
    Task<Outcome<RolloutView>> ApproveAsync(string reason, [Immutable] Caller caller, string? stageId = null);

    /// <summary>
    /// Says whether a criterion for a person is met in the current stage. Fails with <c>rollout.state</c>, <c>rollout.not_attestable</c>.
    /// </summary>
    [Alias("attest")]
    Task<Outcome<RolloutView>> AttestAsync(string criterion, bool met, string reason, [Immutable] Caller caller);

    /// <summary>Takes it back, from every state that is not final; never limited. Fails with <c>rollout.state</c>, <c>fleet.epoch_behind</c>.</summary>
    [Alias("roll-back")]
    Task<Outcome<RolloutView>> RollBackAsync(string reason, [Immutable] Caller caller);

    /// <summary>
    /// Brings its whole fleet at once to a bundle that it ran before, and ends what is in flight there; takes no admission. Fails with
    /// <c>fleet.unknown</c>, <c>fleet.epoch_behind</c>, <c>bundle.unknown</c>, <c>bundle.expired</c>, <c>rollout.exists</c>,
    /// <c>rollout.no_fallback</c>, <c>rollout.never_complete</c>, <c>rollout.quarantined</c>, <c>rollout.already_running</c>,
    /// <c>rollout.in_flight</c> (without a reference, while a way back is open), <c>rollout.moved_on</c>.
    /// </summary>
    [Alias("fast-track")]
    Task<Outcome<RolloutView>> FastTrackAsync([Immutable] FastTrackFleet request, [Immutable] Caller caller);

    /// <summary>
    /// Looks at the fleet now: the scanner calls it where a deadline is overdue. False: it could not, and somebody else should.
    /// </summary>
    [Alias("look")]
    Task<bool> LookAsync();
}

/// <summary>A request to bring a fleet back at once.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Ref">The bundle; null: the last good one, which is what a running rollout goes back to, else what the fleet ran before.</param>
/// <param name="AllowExpired">Whether a bundle is taken that has expired.</param>
/// <param name="Reason">Why.</param>
/// <param name="Leaving">
/// The hash that it is to be taken back from: where it runs another one by now it stays, with <c>rollout.moved_on</c>. Null: whatever it runs.
/// </param>
public sealed record FastTrackFleet(string Fleet, string? Ref, bool AllowExpired, string Reason, string? Leaving = null);

/// <summary>A request for a rollout.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Ref">The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="RolloutWedge">The plan.</param>
/// <param name="Critical">Whether the bounds of critical subsystems apply.</param>
/// <param name="Reason">Why.</param>
/// <param name="WaiverId">The waiver of the multi-stage rule, or of the backtest, that it uses; null: none.</param>
/// <param name="WaveId">The wave that it is part of, and that must let it start (<c>wave.state</c>); null: none.</param>
public sealed record StartRollout(
    string Fleet, string Ref, JsonElement RolloutWedge, bool Critical, string Reason, string? WaiverId = null, string? WaveId = null);
