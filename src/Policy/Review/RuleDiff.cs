using System.Collections.Immutable;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>What is not the same in the rules of two bundles.</summary>
public sealed record RuleDiff
{
    /// <summary>What concerns all rules: <c>default_effect</c>, and <c>data</c> entry by entry.</summary>
    public ImmutableArray<FieldChange> Bundle { get; init; } = [];

    /// <summary>Rules that only the second has.</summary>
    public ImmutableArray<RuleSummary> Added { get; init; } = [];

    /// <summary>Rules that only the first has.</summary>
    public ImmutableArray<RuleSummary> Removed { get; init; } = [];

    /// <summary>Rules that both have and that say something else, or look at data that changed.</summary>
    public ImmutableArray<RuleChange> Changed { get; init; } = [];

    /// <summary>Rules that are tried before or after others than they were, where that may matter: those others do something else for some of the same requests.</summary>
    public ImmutableArray<RuleMove> Moved { get; init; } = [];

    /// <summary>Whether the rules are the same.</summary>
    public bool IsEmpty => Bundle.IsEmpty && Added.IsEmpty && Removed.IsEmpty && Changed.IsEmpty && Moved.IsEmpty;
}

/// <summary>A rule in short.</summary>
/// <param name="RuleId">Its id.</param>
/// <param name="Position">Its place in its bundle, from 0.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="Enabled">Whether it counts at all.</param>
/// <param name="Effect">What it does.</param>
/// <param name="Reason">Why.</param>
public sealed record RuleSummary(string RuleId, int Position, int Priority, bool Enabled, RuleEffect Effect, string Reason);

/// <summary>A rule that says something else.</summary>
/// <param name="RuleId">Its id in the second bundle.</param>
/// <param name="Fields">What is written differently.</param>
/// <param name="Data">The entries of <c>data</c> that it refers to and that changed.</param>
public sealed record RuleChange(string RuleId, ImmutableArray<FieldChange> Fields, ImmutableArray<string> Data);

/// <summary>A rule that is tried at another place.</summary>
/// <param name="RuleId">The rule.</param>
/// <param name="NowBefore">Rules that were tried before it, and are now tried after it.</param>
/// <param name="NowAfter">Rules that were tried after it, and are now tried before it.</param>
public sealed record RuleMove(string RuleId, ImmutableArray<string> NowBefore, ImmutableArray<string> NowAfter);
