using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// Reports at the fleet's interval, and at once when something changed. A report without an answer is repeated as it was, under
/// its own number: the control plane takes it once, whether or not the first one arrived.
/// </summary>
internal sealed class NodeReporter(
    INodeChannel channel, NodeTruth truth, NodeMetrics metrics, NodeShadow shadow, NodeReloader reloader, ReloadLog log, NodeListener listener, NodeVoice voice,
    PolicyNodeOptions options)
{
    /// <summary>Before the first directive told an interval.</summary>
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ReportTimeout = TimeSpan.FromSeconds(5);

    private readonly string _bootId = Guid.NewGuid().ToString("N");
    private NodeMetrics.Totals _known = NodeMetrics.Totals.None;
    private NodeShadow.Reading? _knownShadow;
    private Pending? _pending;
    private long _seq;
    private bool _isRefused;

    /// <summary>Reports that were accepted.</summary>
    public long Accepted { get; private set; }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // While the listener gets no answer either, one of the two is enough to try: it wakes this one when it does.
                await voice.SleepAsync(failures == 0 || listener.IsAway ? Interval() : options.Backoff.After(failures), cancellationToken);
                if (listener.IsRegistered && truth.Directive is not null)
                {
                    await ReportOnceAsync(cancellationToken);
                }

                failures = 0;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (PolicyApiException e) when (e.Code == "node.unknown")
            {
                listener.Forgotten();
                failures++;
            }
            catch (Exception)
            {
                // The listener tells of trouble; one voice is enough.
                failures++;
            }
        }
    }

    /// <summary>A last word before the node stops, if it can be heard quickly.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReportOnceAsync(cancellationToken);
            await ReportOnceAsync(cancellationToken);
        }
        catch (Exception)
        {
            // It stops anyway.
        }
    }

    private async Task ReportOnceAsync(CancellationToken cancellationToken)
    {
        var repeated = _pending is not null;
        var pending = _pending ??= Compose();
        try
        {
            var heard = await channel.ReportAsync(pending.Body, ReportTimeout, cancellationToken);
            Confirm(pending);
            if (_isRefused)
            {
                _isRefused = false;
                voice.Say(NodeEventKind.Recovered, "report.recovered", "Reports are taken again.", NodeEventSource.Report);
            }

            if (heard.Answer.Directive is { } directive)
            {
                reloader.Obey(directive, heard.SentAt);
            }
        }
        catch (PolicyApiException e) when (e.Code == "report.stale")
        {
            // It had arrived before.
            Confirm(pending);
        }
        catch (PolicyApiException e) when (e.Status is 400 or 413 or 422)
        {
            // It will never be accepted: better to lose these numbers than to be silent for ever.
            Confirm(pending);
            voice.Say(NodeEventKind.Trouble, e.Code, $"A report was refused: {e.Message}", NodeEventSource.Report);
            _isRefused = true;
        }

        if (repeated)
        {
            // What happened since it was composed is still to be told.
            voice.ReportSoon();
        }
    }

    private Pending Compose()
    {
        var totals = metrics.Read();
        var watched = shadow.Read();
        var word = truth.Word();
        var report = new NodeReport
        {
            BootId = _bootId,
            Seq = ++_seq,
            At = options.TimeProvider.GetUtcNow(),
            Epoch = word.Epoch,
            ArmEpoch = word.Snapshot.ArmEpoch,
            PolicyHash = word.Snapshot.ServedHash,
            Armed = word.Snapshot.Armed,
            Ack = word.Ack,
            Error = word.Error,
            Group = word.Group,
            Reload = log.TakeUnreported(),
            Rejections = metrics.RejectedBetween(_known, totals),
            Shadow = watched?.ToWord(_knownShadow),
            Promotions = totals.Promotions - _known.Promotions,
            Metrics = metrics.Between(_known, totals),
        };
        return new Pending(JsonSerializer.SerializeToUtf8Bytes(report, PolicyJson.Options), totals, watched);
    }

    private void Confirm(Pending pending)
    {
        _known = pending.Totals;
        _knownShadow = pending.Shadow;
        _pending = null;
        Accepted++;
    }

    private TimeSpan Interval()
    {
        var interval = truth.Directive is { } directive ? TimeSpan.FromSeconds(Math.Clamp(directive.ReportIntervalSec, 0.1, 60)) : FirstInterval;

        // A little less than the interval, never more, and not all nodes at once.
        return interval * (0.9 + (Random.Shared.NextDouble() / 10));
    }

    private sealed record Pending(byte[] Body, NodeMetrics.Totals Totals, NodeShadow.Reading? Shadow);
}
