using System.Text;
using System.Text.Json;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Inputs;

/// <summary>Holds single conditions against requests, as deciding does.</summary>
internal static class Trial
{
    public static Truth Evaluate(Condition condition, string capability, JsonElement context, DateTimeOffset now)
    {
        var evaluation = new Evaluation(capability, new byte[Encoding.UTF8.GetByteCount(capability)], context, now);
        return condition.Evaluate(ref evaluation);
    }

    /// <summary>The outcome where the context has this one value.</summary>
    public static Truth EvaluateAt(Condition condition, InputSlot slot, string? value) =>
        Evaluate(condition, "", ContextBuilder.Build([new(slot, value)]), default);
}
