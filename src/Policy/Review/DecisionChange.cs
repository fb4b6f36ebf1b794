using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Requests that two bundles decide differently in the same way.</summary>
/// <param name="Kind">What changes.</param>
/// <param name="From">What the first does.</param>
/// <param name="To">What the second does.</param>
/// <param name="FromRule">The rule that decided under the first; null where none did.</param>
/// <param name="ToRule">The rule that decides under the second; null where none does.</param>
/// <param name="Count">How many requests.</param>
/// <param name="Example">One of them: the first that came.</param>
/// <param name="Before">What the first decided about it.</param>
/// <param name="After">What the second decides about it.</param>
public sealed record DecisionChange(
    DecisionChangeKind Kind, RuleEffect From, RuleEffect To, string? FromRule, string? ToRule, long Count, ReviewRequest Example, Decision Before, Decision After)
{
    /// <summary>What two decisions about one request differ by; null: they are the same.</summary>
    public static DecisionChangeKind? Between(Decision before, Decision after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return (EffectOf(before), EffectOf(after)) switch
        {
            (RuleEffect.Deny, RuleEffect.Allow) => DecisionChangeKind.DenyToAllow,
            (RuleEffect.Allow, RuleEffect.Deny) => DecisionChangeKind.AllowToDeny,
            (RuleEffect.RequireConfirmation, RuleEffect.Allow) => DecisionChangeKind.ConfirmationToAllow,
            (RuleEffect.Allow, RuleEffect.RequireConfirmation) => DecisionChangeKind.AllowToConfirmation,
            (RuleEffect.Deny, RuleEffect.RequireConfirmation) => DecisionChangeKind.DenyToConfirmation,
            (RuleEffect.RequireConfirmation, RuleEffect.Deny) => DecisionChangeKind.ConfirmationToDeny,
            _ => before.RuleId == after.RuleId && before.Reason == after.Reason && before.SuggestedAlternative == after.SuggestedAlternative
                ? null
                : DecisionChangeKind.AnswerOnly,
        };
    }

    /// <summary>What a decision does.</summary>
    public static RuleEffect EffectOf(Decision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return decision.Allowed ? RuleEffect.Allow : decision.RequireConfirmation ? RuleEffect.RequireConfirmation : RuleEffect.Deny;
    }
}

/// <summary>What changes, the most dangerous first.</summary>
public enum DecisionChangeKind
{
    /// <summary>What was denied is allowed.</summary>
    DenyToAllow,

    /// <summary>What was allowed is denied.</summary>
    AllowToDeny,

    /// <summary>What needed a person's confirmation is allowed without.</summary>
    ConfirmationToAllow,

    /// <summary>What was allowed needs a confirmation.</summary>
    AllowToConfirmation,

    /// <summary>What was denied can be confirmed.</summary>
    DenyToConfirmation,

    /// <summary>What could be confirmed is denied.</summary>
    ConfirmationToDeny,

    /// <summary>The same happens; another rule says so, or gives another reason.</summary>
    AnswerOnly,
}
