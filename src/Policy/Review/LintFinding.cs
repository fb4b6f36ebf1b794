using System.Collections.Immutable;

namespace OrleansPolicy.Review;

/// <summary>Something about a bundle that its author likely did not mean.</summary>
/// <param name="Code">
/// <c>lint.shadowed</c>: earlier rules always decide first. <c>lint.shadowed_by_priority</c>: the same by rules that stand behind it.
/// <c>lint.contradiction</c>: its conditions cannot hold together. <c>lint.disabled</c>: it is switched off.
/// <c>lint.same_as_default</c>: without it the same happens, for another reason. <c>lint.expired</c>: the bundle is.
/// </param>
/// <param name="Severity">Whether something is wrong, or only worth knowing.</param>
/// <param name="Message">One sentence for a person.</param>
/// <param name="Path">Where, as a JSON path into the bundle.</param>
public sealed record LintFinding(string Code, LintSeverity Severity, string Message, string Path)
{
    /// <summary>The rule; null where it is the bundle.</summary>
    public string? RuleId { get; init; }

    /// <summary>The rules that decide in its place.</summary>
    public ImmutableArray<string> By { get; init; } = [];

    /// <summary>Whether the rule, though it never matches, may still deny with an evaluation error.</summary>
    public bool CanStillFail { get; init; }
}

/// <summary>How much a finding matters.</summary>
public enum LintSeverity
{
    /// <summary>Worth knowing.</summary>
    Note,

    /// <summary>The rules do not do what they say.</summary>
    Warning,
}
