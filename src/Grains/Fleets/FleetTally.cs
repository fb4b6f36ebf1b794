using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>Counts a fleet's nodes by what they did with the directive, once over.</summary>
internal sealed class FleetTally(Directive directive)
{
    /// <summary>How many nodes are named in a reason; the rest is counted.</summary>
    public const int NamedMax = 10;

    private const string NoAck = "node.no_ack: no answer within 60 s";
    private static readonly TimeSpan AckWithin = TimeSpan.FromSeconds(60);

    private readonly List<NackedNode> _nacks = [];
    private readonly ImmutableArray<string>.Builder _fenced = ImmutableArray.CreateBuilder<string>();
    private int _assigned, _acked, _nacked, _silent, _fencedCount, _registered, _onTarget, _noAck, _live, _watching;

    /// <summary>The counts so far.</summary>
    public NodeCounts Counts => new(_assigned, _acked, _nacked, _silent, _fencedCount, _registered, _onTarget, _noAck);

    /// <summary>The live nodes by what they did with a shadow.</summary>
    public ShadowFindings Watchers => new(_live, _watching, _nacked, 0, 0);

    /// <summary>The first that refused.</summary>
    public ImmutableArray<NackedNode> Nacks => [.. _nacks.OrderBy(nack => nack.At).ThenBy(nack => nack.Node, StringComparer.Ordinal).Take(NamedMax)];

    /// <summary>The first that are fenced without having ACKed.</summary>
    public ImmutableArray<string> FencedNodes => _fenced.ToImmutable();

    /// <summary>Counts one; a node that has left counts nowhere.</summary>
    public void Add(NodeEntry node, FleetSettings settings, DateTimeOffset now)
    {
        var state = node.StateAt(settings, now);
        if (state == NodeState.Left)
        {
            return;
        }

        var isAssigned = directive.Target is not null && node.Assigned == directive.Target;
        var isOnTarget = isAssigned || (directive.Target is not null && node.Report?.PolicyHash == directive.Target);
        _registered++;
        _onTarget += isOnTarget ? 1 : 0;
        if (isAssigned)
        {
            AddAssigned(node, state, now);
        }
        else if (directive.Shadow && state == NodeState.Live)
        {
            AddWatcher(node);
        }
    }

    // A node that says nothing is still loading, or its agent knows no shadow: it has not refused, and has shown nothing either.
    private void AddWatcher(NodeEntry node)
    {
        var word = node.Report is { Shadow: { } said } report && said.PolicyHash == directive.Target && report.Epoch >= directive.Epoch ? said : null;
        _live++;
        _watching += word is { Error: null } ? 1 : 0;
        if (word is { Error: { } error })
        {
            _nacked++;
            _nacks.Add(new NackedNode(node.Record.Node, error, node.ReportAt));
        }
    }

    private void AddAssigned(NodeEntry node, NodeState state, DateTimeOffset now)
    {
        var isFenced = state == NodeState.Fenced && !node.HasAcked;
        var lateAt = state == NodeState.Live && !node.HasAcked && !node.HasNacked ? node.OwesSince + AckWithin : null;
        var isLate = lateAt <= now;
        if (node.HasNacked)
        {
            _nacks.Add(new NackedNode(node.Record.Node, node.Report?.Error, node.NackedAt));
        }
        else if (isLate)
        {
            _nacks.Add(new NackedNode(node.Record.Node, NoAck, lateAt));
        }

        if (isFenced && _fenced.Count < NamedMax)
        {
            _fenced.Add(node.Record.Node);
        }

        _assigned++;
        _acked += node.HasAcked ? 1 : 0;
        _nacked += node.HasNacked ? 1 : 0;
        _silent += state == NodeState.Silent ? 1 : 0;
        _fencedCount += isFenced ? 1 : 0;
        _noAck += isLate ? 1 : 0;
    }
}
