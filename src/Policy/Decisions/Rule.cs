using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>A rule that has been read and found valid.</summary>
public sealed record Rule
{
    /// <summary>Its id; <c>#</c> and its position where the author gave none.</summary>
    public required string Id { get; init; }

    /// <summary>Its place in the bundle, from 0; decides among equal priorities.</summary>
    public required int Position { get; init; }

    /// <summary>Higher ones are tried first.</summary>
    public int Priority { get; init; }

    /// <summary>Rules that are not enabled never match.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>What it does.</summary>
    public required RuleEffect Effect { get; init; }

    /// <summary>Why, for the answer.</summary>
    public required string Reason { get; init; }

    /// <summary>What to do instead.</summary>
    public string? SuggestedAlternative { get; init; }

    /// <summary>The rule as it was written.</summary>
    public JsonElement Source { get; init; }

    /// <summary>What must hold for it to match.</summary>
    internal ImmutableArray<Condition> Conditions { get; init; } = [];
}
