using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Checks a plan, all errors at once. The plan may be any JSON; a change summary or proposal around it is accepted too.</summary>
    public Task<PlanVerdict> ValidatePlanAsync(
        JsonElement plan, string? fleet = null, bool critical = false, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ValidateBody, PlanVerdict>(
            HttpMethod.Post, "/rollouts/validate", new ValidateBody(fleet, critical, plan), null, cancellationToken);

    /// <summary>Starts a rollout; takes one admission.</summary>
    public Task<RolloutView> StartRolloutAsync(
        NewRollout rollout, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewRollout, RolloutView>(HttpMethod.Post, "/rollouts", rollout, idempotencyKey, cancellationToken);

    /// <summary>The rollouts, newest first.</summary>
    public Task<ImmutableArray<RolloutView>> ListRolloutsAsync(string? fleet = null, CancellationToken cancellationToken = default) =>
        ListAsync<RolloutView>(fleet is null ? "/rollouts" : "/rollouts?fleet=" + Segment(fleet), "rollouts", cancellationToken);

    /// <summary>One rollout.</summary>
    public Task<RolloutView> GetRolloutAsync(string rolloutId, CancellationToken cancellationToken = default) =>
        GetAsync<RolloutView>("/rollouts/" + Segment(rolloutId), cancellationToken);

    /// <summary>Stops its clock.</summary>
    public Task<RolloutView> PauseRolloutAsync(string rolloutId, string reason, CancellationToken cancellationToken = default) =>
        ActAsync(rolloutId, "pause", reason, cancellationToken);

    /// <summary>Goes on with a full new window.</summary>
    public Task<RolloutView> ResumeRolloutAsync(string rolloutId, string reason, CancellationToken cancellationToken = default) =>
        ActAsync(rolloutId, "resume", reason, cancellationToken);

    /// <summary>Lets a manual plan leave its stage.</summary>
    /// <param name="rolloutId">The rollout.</param>
    /// <param name="reason">Why.</param>
    /// <param name="stageId">The stage that is meant, such as the one a person was shown: refused with <c>rollout.state</c> where the rollout is in another one by now. Null: whichever it is in.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<RolloutView> ApproveRolloutAsync(
        string rolloutId, string reason, string? stageId = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ApproveBody, RolloutView>(
            HttpMethod.Post, $"/rollouts/{Segment(rolloutId)}/approve", new ApproveBody(reason, stageId), null, cancellationToken);

    /// <summary>Says whether a criterion for a person is met in the current stage.</summary>
    /// <param name="rolloutId">The rollout.</param>
    /// <param name="criterion">The criterion, as it stands in the plan.</param>
    /// <param name="met">Whether it is met.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<RolloutView> AttestAsync(
        string rolloutId, string criterion, bool met, string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<AttestBody, RolloutView>(
            HttpMethod.Post, $"/rollouts/{Segment(rolloutId)}/attest", new AttestBody(criterion, met, reason), null, cancellationToken);

    /// <summary>Takes it back.</summary>
    public Task<RolloutView> RollBackAsync(string rolloutId, string reason, CancellationToken cancellationToken = default) =>
        ActAsync(rolloutId, "rollback", reason, cancellationToken);

    /// <summary>Why it stands where it stands.</summary>
    public Task<WhyAnswer> WhyRolloutAsync(string rolloutId, CancellationToken cancellationToken = default) =>
        GetAsync<WhyAnswer>($"/rollouts/{Segment(rolloutId)}/why", cancellationToken);

    /// <summary>Gives a fleet its first bundle; takes one admission.</summary>
    public Task<JsonElement> SetBaselineAsync(
        string fleet, string reference, string reason, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<BaselineBody, JsonElement>(
            HttpMethod.Put, $"/fleets/{Segment(fleet)}/baseline", new BaselineBody(reference, reason), idempotencyKey, cancellationToken);

    /// <summary>Gives a fleet that is disarmed as a whole another bundle, all of it at once; takes one admission. Refused with <c>fleet.armed</c> where a node may serve.</summary>
    public Task<JsonElement> ReplaceWhileDisarmedAsync(
        string fleet, string reference, string reason, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<BaselineBody, JsonElement>(
            HttpMethod.Put, $"/fleets/{Segment(fleet)}/baseline", new BaselineBody(reference, reason) { WhileDisarmed = true }, idempotencyKey, cancellationToken);

    /// <summary>Brings a whole fleet at once to a bundle that it ran before; takes no admission.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="reason">Why.</param>
    /// <param name="reference">The bundle; null: the last good one.</param>
    /// <param name="allowExpired">Whether a bundle is taken that has expired.</param>
    /// <param name="idempotencyKey">Asking twice under the same key does it once.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<RolloutView> RollBackFleetAsync(
        string fleet, string reason, string? reference = null, bool allowExpired = false, string? idempotencyKey = null,
        CancellationToken cancellationToken = default) =>
        SendJsonAsync<FastTrackBody, RolloutView>(
            HttpMethod.Post, $"/fleets/{Segment(fleet)}/rollback", new FastTrackBody(reference, allowExpired, reason), idempotencyKey, cancellationToken);

    /// <summary>Says the same under a higher epoch, after the fleet's nodes reported a higher one than is stored (<c>fleet.epoch_behind</c>).</summary>
    public Task<FleetSnapshot> RaiseEpochAsync(string fleet, long epoch, string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<EpochBody, FleetSnapshot>(
            HttpMethod.Post, $"/fleets/{Segment(fleet)}/epoch", new EpochBody(epoch, reason), null, cancellationToken);

    /// <summary>What a fleet is not offered again, newest first.</summary>
    public Task<ImmutableArray<QuarantinedBundle>> ListQuarantineAsync(string fleet, CancellationToken cancellationToken = default) =>
        ListAsync<QuarantinedBundle>($"/fleets/{Segment(fleet)}/quarantine", "quarantine", cancellationToken);

    /// <summary>Lets a fleet be offered a bundle again.</summary>
    public Task<QuarantinedBundle> ReleaseAsync(string fleet, string policyHash, string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ReasonBody, QuarantinedBundle>(
            HttpMethod.Post, $"/fleets/{Segment(fleet)}/quarantine/{Segment(policyHash)}/release", new ReasonBody(reason), null, cancellationToken);

    private Task<RolloutView> ActAsync(string rolloutId, string action, string reason, CancellationToken cancellationToken) =>
        SendJsonAsync<ReasonBody, RolloutView>(
            HttpMethod.Post, $"/rollouts/{Segment(rolloutId)}/{action}", new ReasonBody(reason), null, cancellationToken);

    private sealed record ValidateBody(string? Fleet, bool Critical, JsonElement RolloutWedge);

    private sealed record BaselineBody(string Ref, string Reason)
    {
        public bool? WhileDisarmed { get; init; }
    }

    private sealed record ApproveBody(string Reason, string? StageId);

    private sealed record AttestBody(string Criterion, bool Met, string Reason);

    private sealed record ReasonBody(string Reason);

    private sealed record EpochBody(long Epoch, string Reason);

    private sealed record FastTrackBody(string? Ref, bool AllowExpired, string Reason);
}
