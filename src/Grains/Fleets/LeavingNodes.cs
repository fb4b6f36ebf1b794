using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>Nodes that were taken out, and may serve until their leases end: a way back waits for them too.</summary>
internal sealed class LeavingNodes
{
    private readonly Dictionary<string, NodeEntry> _nodes = new(StringComparer.Ordinal);
    private DateTimeOffset? _countedFrom;

    /// <summary>All that are not forgotten.</summary>
    public IEnumerable<NodeEntry> All => _nodes.Values;

    /// <summary>One leaves.</summary>
    public void Add(NodeEntry node)
    {
        node.IsTakenOut = true;
        _nodes[node.Record.Node] = node;
    }

    /// <summary>One has come back.</summary>
    public void Remove(string node) => _nodes.Remove(node);

    /// <summary>Counts those that may have served when a way back began. Fenced since they still count, so that it says when it was over and with whom.</summary>
    public void CountInto(ReturnTally tally, WayBack back, FleetSettings settings, DateTimeOffset now)
    {
        _countedFrom = back.DetectedAt;
        foreach (var node in _nodes.Values.Where(node => node.FencedAt(settings, null) > back.DetectedAt))
        {
            tally.Add(node, settings, now);
        }
    }

    /// <summary>Forgets those that are certain to have stopped, or were so before the way back began that was counted since this was last asked.</summary>
    public void Forget(FleetSettings settings, DateTimeOffset now)
    {
        var from = _countedFrom ?? now;
        _countedFrom = null;
        foreach (var (name, node) in _nodes)
        {
            if (!(node.FencedAt(settings, null) > from))
            {
                _nodes.Remove(name);
            }
        }
    }
}
