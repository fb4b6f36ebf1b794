using System.Collections.Immutable;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>A rule with its answers made beforehand.</summary>
internal sealed class CompiledRule(Rule rule, InputPath riskLevel)
{
    private readonly ImmutableArray<Condition> conditions = rule.Conditions;
    private readonly PreparedDecision answer = new(new Decision(
        rule.Effect == RuleEffect.Allow,
        rule.Effect == RuleEffect.RequireConfirmation,
        rule.Reason,
        rule.Id,
        rule.SuggestedAlternative,
        null),
        riskLevel);

    public Rule Rule => rule;

    public Decision Answer(ref Evaluation evaluation) => answer.For(ref evaluation);

    /// <summary>Whether every condition holds.</summary>
    public Truth Evaluate(ref Evaluation evaluation)
    {
        foreach (var condition in conditions)
        {
            if (condition.Evaluate(ref evaluation) is var truth and not Truth.Yes)
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

        return (Truth.Yes, conditions.IsEmpty ? "has no conditions" : "holds: " + string.Join("; ", conditions.Select(c => c.Text)));
    }
}
