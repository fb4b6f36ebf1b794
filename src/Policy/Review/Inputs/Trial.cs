using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Inputs;

/// <summary>Holds single conditions against requests, as deciding does.</summary>
internal static class Trial
{
    public static Truth Evaluate(Condition condition, in DecisionRequest request)
    {
        var evaluation = new Evaluation(request.CapabilityId, request.Context ?? DecisionContext.Empty, request.Now);
        return condition.Evaluate(ref evaluation);
    }

    /// <summary>The outcome where the context has this one value.</summary>
    public static Truth EvaluateAt(Condition condition, InputSlot slot, string? value) =>
        Evaluate(condition, new DecisionRequest("", ContextBuilder.Build([new(slot, value)]), default));
}
