using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What a fleet's nodes found when they evaluated the new bundle beside the one in force.</summary>
/// <param name="Nodes">Live nodes.</param>
/// <param name="Watching">Of these, that have the new bundle loaded and evaluate it. An agent that knows no shadow never does.</param>
/// <param name="Refused">Of these, that cannot load it.</param>
/// <param name="Compared">Decisions in the window that both bundles made.</param>
/// <param name="Changed">Of these, for how many something else would have happened.</param>
public sealed record ShadowFindings(int Nodes, int Watching, int Refused, double Compared, double Changed)
{
    /// <summary>The most frequent differences since the stage was entered, by rule; at most <see cref="ChangesMax"/>.</summary>
    public ImmutableArray<ShadowChange> Changes { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>How many differences are named.</summary>
    public const int ChangesMax = 20;

    /// <summary>When the newest of these decisions was reported; null: none was.</summary>
    public DateTimeOffset? NewestAt { get; init; }
}
