namespace OrleansPolicy.Audit;

/// <summary>One entry of a waiver's trail in a governance review: it was asked for, approved, taken back, or a rollout used it.</summary>
/// <param name="At">When.</param>
/// <param name="Fleet">The fleet it is for.</param>
/// <param name="WaiverId">Its id.</param>
/// <param name="Action">The audit entry's action, such as <c>waiver.approved</c>; that of the rollout's first entry under it where one used it.</param>
/// <param name="By">Who.</param>
/// <param name="Rule">The rule that it lifts, where it was asked for; else null.</param>
/// <param name="ExpiresAt">When it ends, where it was asked for (RFC 3339); else null.</param>
/// <param name="RolloutId">The rollout that used it; null: this is not about its use.</param>
/// <param name="Reason">Why, in the words of whoever it was; null: nothing was said.</param>
public sealed record WaiverStep(
    DateTimeOffset At, string Fleet, string WaiverId, string Action, string By, string? Rule, string? ExpiresAt, string? RolloutId, string? Reason)
{
    private static readonly string[] Uses = ["waiver", "freeze_waiver"];

    internal static IEnumerable<WaiverStep> Of(AuditDraft draft) => draft.Subject.Split('/') switch
    {
        ["fleets", var fleet, "waivers", var waiver] => [Step(draft, fleet, waiver, null)],
        ["fleets", var fleet, "rollouts", var rollout] =>
            Uses.Select(name => Detail(draft, name)).OfType<string>().Select(waiver => Step(draft, fleet, waiver, rollout)),
        _ => [],
    };

    private static WaiverStep Step(AuditDraft draft, string fleet, string waiver, string? rollout) =>
        new(draft.At, fleet, waiver, draft.Action, draft.Actor, Detail(draft, "rule"), Detail(draft, "expires_at"), rollout, draft.Reason);

    private static string? Detail(AuditDraft draft, string name) => draft.Detail?.GetValueOrDefault(name);
}
