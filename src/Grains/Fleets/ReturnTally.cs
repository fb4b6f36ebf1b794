using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>Counts the nodes that a way back waits for, once over.</summary>
internal sealed class ReturnTally(WayBack back, Directive directive)
{
    private readonly ImmutableArray<string>.Builder _fenced = ImmutableArray.CreateBuilder<string>();
    private readonly ImmutableArray<string>.Builder _waiting = ImmutableArray.CreateBuilder<string>();
    private int _nodes, _acked, _fencedCount;
    private DateTimeOffset? _lastAckAt, _settledAt;

    /// <summary>The counts so far.</summary>
    public ReturnCounts Counts => new(_nodes, _acked, _fencedCount, _lastAckAt, _settledAt)
    {
        FencedNodes = _fenced.ToImmutable(),
        WaitingNodes = _waiting.ToImmutable(),
    };

    /// <summary>Counts one; a node that has left, and is certain to have stopped, counts nowhere.</summary>
    public void Add(NodeEntry node, FleetSettings settings, DateTimeOffset now)
    {
        var reported = back.Leaves is { } leaves && node.HasReported(leaves);
        if (!back.Concerns(node.Record, reported) || node.IsGoneAt(settings, now))
        {
            return;
        }

        _nodes++;
        if (node is { HasFollowed: true, FollowedAt: { } followedAt } && directive.Epoch >= back.Epoch)
        {
            _acked++;
            _lastAckAt = Later(_lastAckAt, followedAt);
            _settledAt = Later(_settledAt, followedAt);
        }
        else if (node.FencedAt(settings, back.DurableAt) is { } fencedAt && fencedAt <= now)
        {
            _fencedCount++;
            _settledAt = Later(_settledAt, fencedAt);
            Name(_fenced, node);
        }
        else
        {
            Name(_waiting, node);
        }
    }

    private static void Name(ImmutableArray<string>.Builder names, NodeEntry node)
    {
        if (names.Count < FleetTally.NamedMax)
        {
            names.Add(node.Record.Node);
        }
    }

    private static DateTimeOffset Later(DateTimeOffset? one, DateTimeOffset other) => one > other ? one.Value : other;
}
