using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Review;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>Adds up what a fleet's nodes find when they evaluate a bundle beside the one in force: sums over time, and the rules that differ.</summary>
internal sealed class ShadowTally(DateTimeOffset now)
{
    /// <summary>How many ways to differ are counted apart; what comes beyond them counts in the sums alone.</summary>
    public const int ChangesMax = 1_000;

    private const string Changed = "changed";

    private readonly MetricWindow _window = new(now);
    private readonly Dictionary<(DecisionChangeKind Kind, string? From, string? To), long> _changes = [];

    /// <summary>Adds what a node said.</summary>
    public void Add(DateTimeOffset at, ShadowWord word)
    {
        if (word.Compared == 0)
        {
            return;
        }

        _window.Add(at, ImmutableSortedDictionary<string, MetricValue>.Empty
            .Add(MetricWindow.Decisions, new MetricValue(word.Compared, word.Compared)).Add(Changed, new MetricValue(word.Compared, word.Changed)));
        foreach (var change in word.Changes)
        {
            var key = (change.Kind, change.FromRule, change.ToRule);
            if (_changes.Count < ChangesMax || _changes.ContainsKey(key))
            {
                _changes[key] = _changes.GetValueOrDefault(key) + change.Count;
            }
        }
    }

    /// <summary>What was found since a moment, with the nodes that looked.</summary>
    public ShadowFindings FindingsSince(DateTimeOffset from, DateTimeOffset to, FleetTally nodes)
    {
        var sums = _window.Sum(from, to);
        return nodes.Watchers with
        {
            Compared = sums.GetValueOrDefault(MetricWindow.Decisions)?.Count ?? 0,
            Changed = sums.GetValueOrDefault(Changed)?.Sum ?? 0,
            Changes = ShadowChange.Sum(_changes.Select(known => new ShadowChange(known.Key.Kind, known.Key.From, known.Key.To, known.Value)), ShadowFindings.ChangesMax),
            NewestAt = _window.NewestSampleAt,
        };
    }
}
