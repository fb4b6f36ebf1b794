using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>Loads the bundle that the directive has the node evaluate beside the one in force, and has it evaluated until the directive says otherwise.</summary>
internal sealed class NodeShadow(NodeTruth truth, PolicyLoader loader, NodeVoice voice, PolicyNodeOptions options) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Life? _now;
    private Task _last = Task.CompletedTask;
    private bool _disposed;
    private bool _isTroubled;

    /// <summary>Evaluates this bundle from now on; null: none. Returns at once.</summary>
    public void Follow(string? policyHash)
    {
        lock (_lock)
        {
            if (_disposed || policyHash == _now?.PolicyHash)
            {
                return;
            }

            _now?.Stopping.Cancel();
            Recovered("is not demanded any more");
            _now = policyHash is null ? null : new Life(policyHash);
            if (_now is { } life)
            {
                _last = Task.WhenAll(_last, Task.Run(() => LiveAsync(life), CancellationToken.None));
            }
        }
    }

    /// <summary>Everything counted of the bundle that it evaluates now, or why it does not; null: none is demanded, or it is being loaded.</summary>
    public Reading? Read()
    {
        lock (_lock)
        {
            return _now is { } life && (life.Run is not null || life.Error is not null) ? new Reading(life, life.Run?.Read() ?? ShadowCounts.None, life.Error) : null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (_lock)
        {
            _disposed = true;
            _now?.Stopping.Cancel();
            last = _last;
        }

        await last;
    }

    private async Task LiveAsync(Life life)
    {
        var stopping = life.Stopping.Token;
        for (var failures = 1; !stopping.IsCancellationRequested; failures++)
        {
            TimeSpan wait;
            try
            {
                var policy = await loader.LoadAsync(life.PolicyHash, null, null, stopping);
                if (NodeReloader.ObjectionTo(options, policy) is { } objection)
                {
                    throw new PolicyLoadException("node.not_accepted", objection);
                }

                var run = new ShadowRun(policy, keeps: options.RecentInputs > 0);
                if (truth.TryShadow(run))
                {
                    Say(life, run, null);
                    voice.Say(NodeEventKind.Heard, "node.shadow", $"{policy.Version} is evaluated beside the bundle in force", NodeEventSource.Shadow);
                    lock (_lock)
                    {
                        Recovered("is evaluated");
                    }

                    await run.RunAsync(options.TimeProvider, stopping);
                }

                return;
            }
            catch (Exception e)
            {
                var (code, lasting) = NodeReloader.Describe(e);
                lock (_lock)
                {
                    if (stopping.IsCancellationRequested)
                    {
                        return;
                    }

                    _isTroubled = true;
                    voice.Say(
                        lasting ? NodeEventKind.Refused : NodeEventKind.Trouble, code,
                        $"The bundle to evaluate beside the one in force: {e.Message}", NodeEventSource.Shadow);
                }

                wait = lasting ? NodeReloader.AfterRefusal.After(failures) : options.Backoff.After(failures, (e as PolicyApiException)?.RetryAfter);
                if (lasting)
                {
                    Say(life, null, NodeReloader.Shortened($"{code}: {e.Message}"));
                }
            }

            await Task.Delay(wait, options.TimeProvider, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Under the lock, like what it answers: nothing is told of a bundle after the next one is demanded.
    private void Recovered(string what)
    {
        if (_isTroubled)
        {
            _isTroubled = false;
            voice.Say(NodeEventKind.Recovered, "node.shadow_recovered", $"The bundle to evaluate beside the one in force {what}.", NodeEventSource.Shadow);
        }
    }

    private void Say(Life life, ShadowRun? run, string? error)
    {
        lock (_lock)
        {
            (life.Run, life.Error) = (run, error);
        }

        voice.ReportSoon();
    }

    /// <summary>What was counted at one moment.</summary>
    internal sealed record Reading(object Of, ShadowCounts Counts, string? Error)
    {
        private string PolicyHash => ((Life)Of).PolicyHash;

        /// <summary>What a report says of it after another reading was told.</summary>
        public ShadowWord ToWord(Reading? told) =>
            Counts.Since(ReferenceEquals(told?.Of, Of) ? told.Counts : ShadowCounts.None, PolicyHash) with { Error = Error };

        /// <summary>For the application.</summary>
        public ShadowStatus ToStatus() => new(PolicyHash, Error, Counts.Compared, Counts.Changed, Counts.Dropped);
    }

    private sealed class Life(string policyHash)
    {
        public string PolicyHash => policyHash;

        public CancellationTokenSource Stopping { get; } = new();

        public ShadowRun? Run { get; set; }

        public string? Error { get; set; }
    }
}
