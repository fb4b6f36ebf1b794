using System.Collections.Immutable;

namespace OrleansPolicy.Decisions;

/// <summary>A decision with the way to it.</summary>
/// <param name="Decision">Exactly what deciding without a trace answers.</param>
/// <param name="Steps">The rules in the order in which they were tried, up to the one that decided.</param>
/// <param name="Truncated">Whether more than <see cref="StepsMax"/> rules were tried, so that the list ends early.</param>
public sealed record DecisionTrace(Decision Decision, ImmutableArray<DecisionStep> Steps, bool Truncated = false)
{
    /// <summary>The longest list of steps that is given.</summary>
    public const int StepsMax = 1_000;
}

/// <summary>One rule that was tried.</summary>
/// <param name="RuleId">The rule.</param>
/// <param name="Position">Its place in the bundle, from 0.</param>
/// <param name="Priority">Its priority; higher ones come first.</param>
/// <param name="Matched">Whether it decided.</param>
/// <param name="Why">Which condition held or did not, in words.</param>
public sealed record DecisionStep(string RuleId, int Position, int Priority, bool Matched, string Why);
