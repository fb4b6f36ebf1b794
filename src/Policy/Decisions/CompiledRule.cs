using System.Runtime.InteropServices;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>A rule with its answers made beforehand.</summary>
internal sealed class CompiledRule(Rule rule, InputPath riskLevel)
{
    private readonly Condition[] conditions = ImmutableCollectionsMarshal.AsArray(rule.Conditions)!;

    // Of a rule that the index has chosen for a capability, that condition holds already.
    private readonly int firstOnceChosen = rule.Conditions is [CapabilityCondition, ..] ? 1 : 0;
    private readonly PreparedDecision answer = new(new Decision(
        rule.Effect == RuleEffect.Allow,
        rule.Effect == RuleEffect.RequireConfirmation,
        rule.Reason,
        rule.Id,
        rule.SuggestedAlternative,
        null),
        riskLevel);

    public Rule Rule => rule;

    /// <summary>Why <see cref="RuleIndex"/> passes it over for a capability, in words.</summary>
    public string PassedOver => "does not hold: " + rule.Conditions.Select(c => c.Capabilities).First(set => set is not null)!.Text;

    public Decision Answer(ref Evaluation evaluation) => answer.For(ref evaluation);

    /// <summary>Whether every condition holds.</summary>
    /// <param name="evaluation">The request.</param>
    /// <param name="isChosen">Whether <see cref="RuleIndex.Select"/> gave this rule for the request's capability.</param>
    public Truth Evaluate(ref Evaluation evaluation, bool isChosen)
    {
        for (var i = isChosen ? firstOnceChosen : 0; i < conditions.Length; i++)
        {
            if (conditions[i].Evaluate(ref evaluation) is var truth and not Truth.Yes)
            {
                return truth;
            }
        }

        return Truth.Yes;
    }

    /// <summary>The same in words.</summary>
    public (Truth Truth, string Why) Explain(ref Evaluation evaluation)
    {
        foreach (var condition in conditions)
        {
            switch (condition.Evaluate(ref evaluation))
            {
                case Truth.No:
                    return (Truth.No, "does not hold: " + condition.Text);
                case Truth.Error:
                    return (Truth.Error, evaluation.Fault!);
                default:
                    break;
            }
        }

        return (Truth.Yes, conditions.Length == 0 ? "has no conditions" : "holds: " + string.Join("; ", conditions.Select(c => c.Text)));
    }
}
