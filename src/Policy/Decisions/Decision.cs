using System.Text.Json.Serialization;

namespace OrleansPolicy.Decisions;

/// <summary>The answer to one request under one bundle.</summary>
/// <param name="Allowed">Whether the request may go on.</param>
/// <param name="RequireConfirmation">Whether a person's confirmation would allow it.</param>
/// <param name="Reason">The rule's reason, <c>default-deny</c>, <c>default-allow</c>, or <c>evaluation-error: ...</c>.</param>
/// <param name="RuleId">The rule that decided; null where none matched.</param>
/// <param name="SuggestedAlternative">What the rule suggests to do instead.</param>
/// <param name="RiskLevel">The request's own <c>context.action_envelope.risk_level</c>.</param>
public sealed record Decision(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] bool Allowed,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] bool RequireConfirmation,
    string Reason,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? RuleId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? SuggestedAlternative,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? RiskLevel)
{
    /// <summary>Whether it denies because evaluating a rule failed. Callers count these.</summary>
    [JsonIgnore]
    public bool IsError { get; init; }
}
