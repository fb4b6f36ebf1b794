using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>Writes down what a node decides: on the deciding thread a copy into memory, everything else in the background.</summary>
internal sealed class DecisionLog : IAsyncDisposable
{
    /// <summary>A log that is full says that it will be for a minute; until then nobody but the log waits.</summary>
    private static readonly Backoff Pauses = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10)) { RetryAfterMax = TimeSpan.FromSeconds(60) };

    private readonly DecisionLogOptions _options;
    private readonly TimeProvider _time;
    private readonly NodeVoice _voice;
    private readonly NodeMetrics _metrics;
    private readonly RecordWriter _writer;
    private readonly RecordQueue _queue;
    private readonly ILogSource _source;
    private readonly ILogDestination _destination;
    private readonly TimeSpan _wait;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly Task _shipping;
    private long _delivered;
    private volatile string? _trouble;
    private volatile bool _isLossTold;

    private DecisionLog(PolicyNodeOptions node, DecisionLogOptions options, PolicyClient? client, NodeVoice voice, NodeMetrics metrics)
    {
        _options = options;
        _time = node.TimeProvider;
        _voice = voice;
        _metrics = metrics;
        _writer = new RecordWriter(node.Node, node.Fleet, ContextMask.For(options));
        var spills = options.Loss == DecisionLogLoss.Spill;
        _wait = options.Loss == DecisionLogLoss.Block ? options.BlockFor : TimeSpan.Zero;

        // At half of a small queue: the rest takes what comes in while that is put away.
        var wakeAt = spills ? 1 : Math.Min(LogBatch.BytesMax, options.QueueBytesMax / 2);
        _queue = new RecordQueue(_writer, options.QueueBytesMax, wakeAt, _time) { OnLoss = TellLoss };
        _destination = client is not null && options.Folder is null ? new ControlPlaneLog(client, node.Fleet) : new LogFiles(options, _time);
        _source = spills
            ? new SpillSource(SpillFolder.Take(Path.Combine(options.SpillFolder!, node.Fleet, node.Node)), _queue, options, _time)
            : new MemorySource(_queue, options.BatchWait);
        _shipping = Task.Run(ShipAsync);
    }

    public DecisionLogCounts Counts => new(
        _queue.Recorded, Interlocked.Read(ref _delivered), _queue.Lost, _queue.Used + _source.BytesOnDisk, _trouble);

    /// <summary>Null where the node keeps none. <paramref name="client"/> is null for a node that has no control plane over the network.</summary>
    /// <exception cref="ArgumentException">The options do not fit, or a folder cannot be used.</exception>
    public static DecisionLog? Open(PolicyNodeOptions node, PolicyClient? client, NodeVoice voice, NodeMetrics metrics) =>
        node.DecisionLog is not { } options ? null
        : options.FindProblem(toControlPlane: client is not null) is { } problem ? throw new ArgumentException("The decision log: " + problem)
        : new DecisionLog(node, options, client, voice, metrics);

    /// <summary>Writes a decision down. The answer is the one given, or a denial where it must not go out without its record.</summary>
    public NodeDecision Keep(string capabilityId, DecisionContext? context, in NodeDecision answer)
    {
        if (_queue.TryAppend(_writer.Write(capabilityId, context, answer), _wait))
        {
            return answer;
        }

        _metrics.Record("decision_log_lost", 1);

        // A node that refuses to serve has denied already, and said why.
        return _options.Loss == DecisionLogLoss.Block && answer.Served
            ? new NodeDecision(Refusals.LogFull, null, null, answer.Epoch, answer.Timestamp)
            : answer;
    }

    /// <summary>Puts away what is left, within a limit; what is not put away then is counted, or lies on disk until the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        _giveUp.CancelAfter(_options.FlushFor);
        _queue.Close();
        await _source.CompleteAsync();
        await _stopping.CancelAsync();
        await _shipping;
        await _source.DisposeAsync();
        _destination.Dispose();
        _giveUp.Dispose();
        _stopping.Dispose();
    }

    private async Task ShipAsync()
    {
        while (true)
        {
            LogBatch? batch = null;
            try
            {
                // Asked before what is left is looked for: what comes in between is found.
                var isLast = _stopping.IsCancellationRequested;
                batch = await _source.NextAsync(_giveUp.Token);
                if (batch is null && isLast)
                {
                    return;
                }

                if (batch is not null)
                {
                    await DeliverAsync(batch);
                    batch = null;
                }
            }
            catch (OperationCanceledException)
            {
                Abandon(batch);
                return;
            }
            catch (Exception e)
            {
                // A folder that cannot be read, say. Whatever it is, the log goes on; a batch on disk is taken up again, one in memory is gone.
                _queue.Lose(_options.Loss == DecisionLogLoss.Spill ? 0 : batch?.Records ?? 0);
                Troubled("decision_log.failed", e.Message);
                await Task.Delay(Pauses.Max, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task DeliverAsync(LogBatch batch)
    {
        for (var failures = 1; ; failures++)
        {
            TimeSpan? retryAfter = null;
            try
            {
                await _destination.DeliverAsync(batch, _giveUp.Token);
                Interlocked.Add(ref _delivered, batch.Records);
                _source.Done(batch);
                Recovered();
                return;
            }
            catch (PolicyApiException e) when (e.Status is 400 or 413 or 415 or 422)
            {
                // It will never be taken: better a gap that is told than a log that stands still.
                _queue.Lose(batch.Records);
                _source.Done(batch);
                Troubled(e.Code, e.Message);
                return;
            }
            catch (Exception e) when (e is PolicyApiException or PolicyUnreachableException or IOException)
            {
                Troubled((e as PolicyApiException)?.Code ?? "decision_log.unavailable", e.Message);
                retryAfter = (e as PolicyApiException)?.RetryAfter;
            }

            // A node that stops tries at once, and then more often: it has only so long.
            var (pause, until) = _stopping.IsCancellationRequested ? (Pauses.First, _giveUp.Token) : (Pauses.After(failures, retryAfter), _stopping.Token);
            await Task.Delay(pause, _time, until).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _giveUp.Token.ThrowIfCancellationRequested();
        }
    }

    // What lies on disk waits there; what was only in memory is gone.
    private void Abandon(LogBatch? batch)
    {
        if (_options.Loss == DecisionLogLoss.Spill)
        {
            return;
        }

        var lost = (long)(batch?.Records ?? 0);
        for (var left = _queue.Take(LogBatch.BytesMax); left.Length > 0; left = _queue.Take(LogBatch.BytesMax))
        {
            lost += left.AsSpan().Count((byte)'\n');
        }

        if (lost > 0)
        {
            _queue.OnLoss = null;
            _queue.Lose(lost);
            _voice.Say(NodeEventKind.Trouble, "decision_log.lost", $"The node stops with {lost} records that could not be put away: {_trouble ?? "no time was left"}", NodeEventSource.DecisionLog);
        }
    }

    // What tells of the loss is yet to be delivered, and ends it: so it is noted after it was said.
    private void TellLoss()
    {
        _voice.Say(
            NodeEventKind.Trouble, "decision_log.lost", $"The decision log has no room: records are being lost and counted. {_trouble}".TrimEnd(), NodeEventSource.DecisionLog);
        _isLossTold = true;
    }

    private void Troubled(string code, string text)
    {
        if (Interlocked.Exchange(ref _trouble, $"{text} [{code}]") is null)
        {
            _voice.Say(NodeEventKind.Trouble, code, $"The decision log cannot be put away: {text}", NodeEventSource.DecisionLog);
        }
    }

    private void Recovered()
    {
        if (_trouble is not null || _isLossTold)
        {
            (_trouble, _isLossTold) = (null, false);
            _voice.Say(NodeEventKind.Recovered, "decision_log.recovered", "The decision log is put away again.", NodeEventSource.DecisionLog);
        }
    }
}
