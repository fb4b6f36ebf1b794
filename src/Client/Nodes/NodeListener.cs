using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// Registers the node and hears its directive: a long poll that the control plane holds for a sixth of the lease at most, so that
/// the lease is renewed several times before it can run out.
/// </summary>
internal sealed class NodeListener(INodeChannel channel, NodeTruth truth, NodeReloader reloader, NodeVoice voice, PolicyNodeOptions options)
{
    /// <summary>The longest hold where leases are off.</summary>
    private const int WaitSecMax = 20;

    /// <summary>An answer that came at once although it should have been held: ask again only after a moment.</summary>
    private static readonly TimeSpan NotHeldPause = TimeSpan.FromSeconds(1);

    /// <summary>A key that is refused, or a fleet that is not there, will not be there in a second either.</summary>
    private static readonly Backoff AfterRefusal = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10));

    private readonly TimeProvider _time = options.TimeProvider;
    private volatile bool _registered;
    private volatile bool _isAway;
    private NodeDirective? _polled;
    private long _pollsFailed;

    public bool IsRegistered => _registered;

    /// <summary>Whether the control plane gave no answer to the last poll.</summary>
    public bool IsAway => _isAway;

    /// <summary>Attempts to register or to hear the directive that failed, since the start.</summary>
    public long PollsFailed => Interlocked.Read(ref _pollsFailed);

    /// <summary>The control plane does not know the node: it has to register again.</summary>
    public void Forgotten() => _registered = false;

    /// <summary>Registers once.</summary>
    public async Task RegisterAsync(CancellationToken cancellationToken)
    {
        var registration = new NodeRegistration
        {
            Node = options.Node,
            FailureDomain = options.FailureDomain,
            Role = options.Role,
            ParityGroup = options.ParityGroup,
            Labels = options.Labels,
        };

        await channel.RegisterAsync(registration, cancellationToken);
        _registered = true;
        voice.Say(NodeEventKind.Registered, "node.registered", $"{options.Node} is registered in {options.Fleet}", NodeEventSource.ControlPlane);
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        string? etag = null;
        var pause = TimeSpan.Zero;
        for (var failures = 0; !cancellationToken.IsCancellationRequested;)
        {
            try
            {
                await Task.Delay(pause, _time, cancellationToken);
                if (!_registered)
                {
                    await RegisterAsync(cancellationToken);
                    etag = null;
                }

                // After a failure nothing is held: that it answers again, and its lease, must be known now.
                (etag, pause) = await ListenOnceAsync(etag, etag is null || failures > 0 ? TimeSpan.Zero : Wait(), cancellationToken);
                _isAway = false;
                if (failures > 0)
                {
                    failures = 0;
                    voice.Say(NodeEventKind.Recovered, "node.recovered", "The control plane answers again.", NodeEventSource.ControlPlane);
                    voice.ReportSoon();
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                pause = Failed(e, ++failures);
                etag = e is PolicyApiException ? null : etag;
            }
        }
    }

    private async Task<(string? ETag, TimeSpan Pause)> ListenOnceAsync(string? etag, TimeSpan wait, CancellationToken cancellationToken)
    {
        var heard = await channel.HearAsync(etag, wait, cancellationToken);
        if (heard.Directive is { } directive)
        {
            _polled = directive;
            reloader.Obey(directive, heard.SentAt);
            return (heard.ETag, heard.ETag is null ? NotHeldPause : TimeSpan.Zero);
        }

        if (heard.LeaseSec is { } lease && _polled is { } unchanged)
        {
            truth.Renew(unchanged, lease, heard.SentAt);
        }

        var wasHeld = _time.GetElapsedTime(heard.SentAt) > wait / 2;
        return (etag, wasHeld ? TimeSpan.Zero : NotHeldPause / 2 * (1 + Random.Shared.NextDouble()));
    }

    private TimeSpan Wait() => truth.Directive?.LeaseSec is { } lease
        ? TimeSpan.FromSeconds(Math.Clamp(lease / 6, 1, WaitSecMax))
        : TimeSpan.FromSeconds(WaitSecMax);

    private TimeSpan Failed(Exception e, int failures)
    {
        Interlocked.Increment(ref _pollsFailed);
        _isAway = e is PolicyUnreachableException;
        var answer = e as PolicyApiException;
        if (failures == 1)
        {
            voice.Say(NodeEventKind.Trouble, answer?.Code ?? "node.unreachable", e.Message, NodeEventSource.ControlPlane);
        }

        if (answer is { Code: "node.unknown" })
        {
            _registered = false;
            return options.Backoff.After(failures);
        }

        return answer is { Status: >= 400 and < 500 and not 429 and not 408 }
            ? AfterRefusal.After(failures)
            : options.Backoff.After(failures, answer?.RetryAfter);
    }
}
