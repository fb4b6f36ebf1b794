using System.Text.Json;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>One decision in all the variants that the request's risk level makes of it; the usual levels are made once and kept.</summary>
internal sealed class PreparedDecision(Decision withoutLevel, InputPath riskLevel)
{
    private static readonly (byte[] Utf8, string Text)[] UsualLevels =
        [("low"u8.ToArray(), "low"), ("medium"u8.ToArray(), "medium"), ("high"u8.ToArray(), "high"), ("critical"u8.ToArray(), "critical")];

    // Filled as they are asked for; two threads that meet write equal decisions.
    private Decision?[]? withLevel;

    /// <summary>The decision with <c>context.action_envelope.risk_level</c>.</summary>
    public Decision For(ref Evaluation evaluation)
    {
        evaluation.Find(riskLevel, out var level);
        if (level.Kind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return withoutLevel;
        }

        for (var i = 0; level.IsText && i < UsualLevels.Length; i++)
        {
            if (level.Raw[1..^1].SequenceEqual(UsualLevels[i].Utf8))
            {
                return (withLevel ??= new Decision?[UsualLevels.Length])[i] ??= withoutLevel with { RiskLevel = UsualLevels[i].Text };
            }
        }

        return withoutLevel with { RiskLevel = level.ToJson().ToString() };
    }
}
