using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>
/// What leading takes: a leader serves a bundle only after a handshake found that the other members of its parity group run it too. Each
/// promotion, each change of the directive and each swap asks anew. A mismatch stands until one of them; where nobody could answer, the
/// whole handshake is tried again after a while, because nothing is known then.
/// </summary>
internal sealed class NodeLeadership
{
    /// <summary>From the end of a handshake without an answer to the next.</summary>
    private static readonly Backoff AfterNoAnswer = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));

    private readonly INodeChannel _channel;
    private readonly NodeTruth _truth;
    private readonly NodeMetrics _metrics;
    private readonly NodeVoice _voice;
    private readonly TimeProvider _time;
    private readonly string _node;
    private readonly Wakeup _wakeup;
    private volatile HandshakeResult? _last;

    public NodeLeadership(INodeChannel channel, NodeTruth truth, NodeMetrics metrics, NodeVoice voice, PolicyNodeOptions options)
    {
        (_channel, _truth, _metrics, _voice) = (channel, truth, metrics, voice);
        (_time, _node) = (options.TimeProvider, options.Node);
        _wakeup = new Wakeup(options.TimeProvider);
        truth.Changed += WakeLeader;
    }

    /// <summary>How the last handshake ended; null: there was none, or the node does not lead.</summary>
    public HandshakeResult? Last => _last;

    /// <summary>The application leads. Again, while it does: nothing happens.</summary>
    public void Promote()
    {
        if (_truth.Lead(true))
        {
            _metrics.Promoted();
            _voice.Say(NodeEventKind.Leadership, "node.promoted", $"{_node} leads, and serves once the handshake has succeeded.");
            _voice.ReportSoon();
        }
    }

    /// <summary>It does not lead any more: the handshake is nobody's concern.</summary>
    public void Demote()
    {
        if (_truth.Lead(false))
        {
            _last = null;
            _voice.Say(NodeEventKind.Leadership, "node.demoted", $"{_node} does not lead any more.");
        }
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Subject? done = null;
        var failures = 0;
        var again = long.MaxValue;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var subject = Now();
                if (subject is null || (subject == done && _time.GetTimestamp() < again))
                {
                    done = subject is null ? null : done;
                    await _wakeup.SleepAsync(subject is null || again == long.MaxValue ? Timeout.InfiniteTimeSpan : Until(again), cancellationToken);
                    continue;
                }

                failures = subject == done ? failures : 0;
                var result = await HandshakeCall.RunAsync(
                    _node, subject.ComparedHash, token => _channel.AskMembersAsync(subject.ComparedHash, token), () => Now() == subject, _time, cancellationToken);
                if (result is not null)
                {
                    Take(subject, result, isFirst: failures == 0);
                    failures = result.Code == Handshake.NoAnswerCode ? failures + 1 : 0;
                    again = failures == 0 ? long.MaxValue : _time.GetTimestamp() + Ticks(AfterNoAnswer.After(failures));
                    done = subject;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    // A report's answer comes every few seconds, and most nodes never lead.
    private void WakeLeader()
    {
        if (_truth.Now.Term > 0)
        {
            _wakeup.Wake();
        }
    }

    private void Take(Subject subject, HandshakeResult result, bool isFirst)
    {
        _last = _truth.Now.Term == subject.Term ? result : null;
        _truth.Agree(subject.Term, result.Success ? subject.PolicyHash : null);
        if (result.Success)
        {
            _voice.Say(NodeEventKind.Leadership, "node.handshake_ok", $"Policy hash handshake OK. Hash: {result.LocalHash}");
        }
        else if (isFirst)
        {
            _voice.Say(NodeEventKind.Leadership, "node.handshake_failed", $"CRITICAL: Policy hash handshake FAILED: {result.Error}");
        }
    }

    private Subject? Now()
    {
        var now = _truth.Now;
        return now is { Term: > 0, Policy: { } policy }
            ? new Subject(now.Term, policy.PolicyHash, policy.Prepared.Bundle.DocumentHash ?? policy.PolicyHash, _truth.Directive)
            : null;
    }

    private TimeSpan Until(long timestamp) => TimeSpan.FromSeconds(Math.Max(0.001, (timestamp - _time.GetTimestamp()) / (double)_time.TimestampFrequency));

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    /// <summary>What a handshake is about.</summary>
    private sealed record Subject(long Term, string PolicyHash, string ComparedHash, NodeDirective? Directive);
}
