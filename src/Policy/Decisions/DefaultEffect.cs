namespace OrleansPolicy.Decisions;

/// <summary>What happens to a request that no rule matches.</summary>
public enum DefaultEffect
{
    /// <summary>It is denied: <c>default-deny</c>.</summary>
    Deny,

    /// <summary>It is allowed: <c>default-allow</c>. Only where somebody said so.</summary>
    Allow,
}
