namespace OrleansPolicy.Decisions;

/// <summary>What a rule does with a request it matches.</summary>
public enum RuleEffect
{
    /// <summary>The request is denied.</summary>
    Deny,

    /// <summary>The request is allowed.</summary>
    Allow,

    /// <summary>The request is not allowed until a person has confirmed it.</summary>
    RequireConfirmation,
}
