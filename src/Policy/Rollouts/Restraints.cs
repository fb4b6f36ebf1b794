using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// What keeps a tenant's rollouts from starting and from going forward, whatever they show. One record for the whole tenant, so that
/// its revision guards every change that goes forward. Nothing of it ever keeps anything from going back.
/// </summary>
public sealed record Restraints
{
    /// <summary>Nothing is said.</summary>
    public static readonly Restraints None = new();

    /// <summary>Who stopped the line; null: it runs.</summary>
    public LineStop? Line { get; init; }

    /// <summary>When rollouts may go forward, by name.</summary>
    public ImmutableArray<FreezeWindow> Windows { get; init; } = [];

    /// <summary>How much may be on its way at a time; null: whatever the plans allow.</summary>
    public TenantCaps? Caps { get; init; }
}

/// <summary>The line was stopped: no rollout of the tenant starts or goes forward until somebody releases it.</summary>
/// <param name="By">Who stopped it.</param>
/// <param name="Reason">Why, in the person's words.</param>
/// <param name="At">When.</param>
public sealed record LineStop(Actor By, string Reason, DateTimeOffset At);
