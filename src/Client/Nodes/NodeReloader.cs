using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>Puts the bundle in force that the directive demands: at once where it is at hand, else loaded in the background.</summary>
internal sealed class NodeReloader(
    NodeTruth truth, PolicyLoader loader, NodeShadow shadow, ReloadLog log, RecentInputs recent, NodeVoice voice, PolicyNodeOptions options) : IAsyncDisposable
{
    /// <summary>A node's own words are for people: a page of them is enough.</summary>
    private const int ErrorCharsMax = 1000;

    /// <summary>The same content is most likely refused again: it is tried again because what came may have been damaged on its way.</summary>
    public static readonly Backoff AfterRefusal = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60));

    private readonly Lock _lock = new();
    private readonly Lock _obeying = new();
    private readonly TimeProvider _time = options.TimeProvider;
    private CancellationTokenSource? _running;
    private Task _last = Task.CompletedTask;
    private string? _loadingHash;
    private Brought? _brought;
    private bool _disposed;
    private bool _isTroubled;

    /// <summary>Obeys a directive; returns quickly.</summary>
    public void Obey(NodeDirective directive, long sentAt)
    {
        lock (_obeying)
        {
            ObeyInTurn(directive, sentAt);
        }
    }

    /// <summary>
    /// Obeys the directive that says of a bundle, brought as a file, that it is the one to run. The node may have heard the same through
    /// its poll already: whoever comes first swaps, and the reload is told once.
    /// </summary>
    /// <param name="policy">What was brought.</param>
    /// <param name="commit">Makes the directive true; it is not heard where this fails.</param>
    /// <param name="started">When the reload began.</param>
    /// <returns>Null, or what was wrong.</returns>
    public async Task<ImmutableArray<Problem>?> BringAsync(
        LoadedPolicy policy, Func<Task<Outcome<NodeDirective>>> commit, long started)
    {
        truth.Keep(policy);
        Volatile.Write(ref _brought, new Brought(policy, started));
        try
        {
            var committed = await commit();
            if (!committed.Succeeded)
            {
                return committed.Problems;
            }

            lock (_obeying)
            {
                ObeyInTurn(committed.Value, _time.GetTimestamp());
                if (Volatile.Read(ref _brought) is null || truth.TrySwap(policy))
                {
                    if (Volatile.Read(ref _brought) is not null)
                    {
                        // The same bundle again: nothing changes but the moment at which it was found to be the right one.
                        Swapped(policy, started);
                    }

                    return null;
                }
            }

            return [new Problem("node.overtaken", "Another bundle was demanded meanwhile, or the node has stopped.")];
        }
        finally
        {
            Volatile.Write(ref _brought, null);
        }
    }

    /// <summary>Why the application does not take a bundle; null: it does.</summary>
    public string? ObjectionTo(LoadedPolicy policy) => ObjectionTo(options, policy);

    /// <summary>The same for a node of these options.</summary>
    public static string? ObjectionTo(PolicyNodeOptions options, LoadedPolicy policy)
    {
        try
        {
            return options.Accept?.Invoke(new PolicyCandidate(policy.PolicyHash, policy.Version, policy.Rules.Count));
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    /// <summary>Makes the first decisions of a bundle before anybody waits for them.</summary>
    public void Warm(LoadedPolicy policy) => WarmUp.Run(policy.Prepared, recent.Read(), _time.GetUtcNow());

    private void ObeyInTurn(NodeDirective directive, long sentAt)
    {
        var started = _time.GetTimestamp();
        var heard = truth.Hear(directive, sentAt, Ready);
        shadow.Follow(truth.Directive?.ShadowHash);
        if (heard.IsNews)
        {
            voice.Say(NodeEventKind.Heard, "node.heard", $"epoch {directive.Epoch} demands {Short(directive.PolicyHash)}");
        }

        if (heard.Rearmed)
        {
            // Somebody may be waiting for the word that nothing is served here any more.
            voice.Say(
                NodeEventKind.Armed, directive.Armed ? "node.armed" : "node.disarmed",
                directive.Armed ? $"arm epoch {directive.ArmEpoch} arms the node" : $"arm epoch {directive.ArmEpoch} disarms the node");
            voice.ReportSoon();
        }

        if (heard.GroupMoved)
        {
            // The others of its group wait for what it has to say.
            voice.Say(NodeEventKind.Heard, "node.group", $"group {directive.Group!.Name} is in phase {directive.Group.Phase} of epoch {directive.Epoch}{(directive.Group.OverCap ? ", and a cap has no room for this member" : "")}");
            voice.ReportSoon();
        }

        if (heard.Swapped)
        {
            Stop();
            Swapped(truth.Now.Policy!, started);
            Prefetch(directive);
        }
        else if (heard.NeedsLoad)
        {
            Start(directive);
        }
        else if (heard.WantsOther)
        {
            // Back to what is in force: what was being loaded meanwhile is no longer demanded, and the control plane waits for a word.
            Stop();
            Recovered("What is in force is demanded again.");
            voice.ReportSoon();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (_lock)
        {
            _disposed = true;
            _running?.Cancel();
            last = _last;
        }

        await last;
    }

    /// <summary>Words for people, in the length that a report takes.</summary>
    public static string Shortened(string error) => error.Length > ErrorCharsMax ? error[..ErrorCharsMax] : error;

    private static string Short(string? hash) => hash is { Length: > 12 } ? hash[..12] : hash ?? "nothing";

    // What the application objects to is not ready: it is loaded as if it were not there, and refused with the objection.
    private LoadedPolicy? Ready(string policyHash, LoadedPolicy? kept)
    {
        if ((kept is not null && loader.IsCurrent(kept) ? kept : loader.Find(policyHash)) is not { } ready || ObjectionTo(ready) is not null)
        {
            return null;
        }

        Warm(ready);
        return ready;
    }

    private void Start(NodeDirective directive)
    {
        lock (_lock)
        {
            if (_disposed || (_loadingHash == directive.PolicyHash && !_last.IsCompleted))
            {
                return;
            }

            _running?.Cancel();
            _loadingHash = directive.PolicyHash;
            var running = _running = new CancellationTokenSource();
            _last = Task.Run(() => LoadUntilDoneAsync(directive, running), CancellationToken.None);
        }
    }

    private void Stop()
    {
        lock (_lock)
        {
            _running?.Cancel();
            _loadingHash = null;
        }
    }

    private void Prefetch(NodeDirective directive)
    {
        if (directive.FallbackHash is not { } fallback || truth.Has(fallback))
        {
            return;
        }

        lock (_lock)
        {
            if (!_disposed && _last.IsCompleted)
            {
                var running = _running = new CancellationTokenSource();
                _last = Task.Run(() => PrefetchAsync(fallback, running.Token), CancellationToken.None);
            }
        }
    }

    private async Task PrefetchAsync(string fallback, CancellationToken cancellationToken)
    {
        try
        {
            truth.Keep(await loader.LoadAsync(fallback, null, RootRefused, cancellationToken));
        }
        catch (Exception)
        {
            // Only a convenience: should the fallback be demanded, it is loaded then, and a failure is told then.
        }
    }

    private async Task LoadUntilDoneAsync(NodeDirective directive, CancellationTokenSource running)
    {
        var hash = directive.PolicyHash!;
        for (var failures = 1; !running.IsCancellationRequested; failures++)
        {
            TimeSpan wait;
            var started = _time.GetTimestamp();
            try
            {
                var policy = await loader.LoadAsync(hash, directive.ContentUrl, RootRefused, running.Token);
                if (ObjectionTo(policy) is { } objection)
                {
                    throw new PolicyLoadException("node.not_accepted", objection);
                }

                Warm(policy);
                if (truth.TrySwap(policy))
                {
                    Swapped(policy, started);
                    if (truth.Directive is { } now && now.FallbackHash is { } fallback && !truth.Has(fallback))
                    {
                        await PrefetchAsync(fallback, running.Token);
                    }
                }
                else if (truth.IsPrepared)
                {
                    Recovered($"{policy.Version} is prepared.");
                    voice.ReportSoon();
                }

                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the old bundle stays, and the node says why; under the lock, so that nothing is told of a bundle after
                // another one was demanded.
                lock (_lock)
                {
                    if (running.IsCancellationRequested)
                    {
                        return;
                    }

                    wait = Failed(hash, e, failures, started);
                }
            }

            try
            {
                await Task.Delay(wait, _time, running.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private TimeSpan Failed(string hash, Exception e, int failures, long started)
    {
        _isTroubled = true;
        var (code, lasting) = Describe(e);
        if (lasting)
        {
            Refused(hash, code, $"{code}: {e.Message}", started);
            return AfterRefusal.After(failures);
        }

        // A control plane that cannot be reached is no reason to say no to a bundle, however long it lasts: else its return would find
        // every node that was loading refusing. It counts a node without an answer by itself (node.no_ack).
        voice.Say(NodeEventKind.Trouble, code, e.Message);
        return options.Backoff.After(failures, (e as PolicyApiException)?.RetryAfter);
    }

    private void Recovered(string text)
    {
        lock (_lock)
        {
            if (_isTroubled)
            {
                _isTroubled = false;
                voice.Say(NodeEventKind.Recovered, "node.bundle_recovered", text);
            }
        }
    }

    /// <summary>What a failed load is called, and whether the same bundle is most likely refused again.</summary>
    public static (string Code, bool Lasting) Describe(Exception e) => e switch
    {
        PolicyLoadException refusal => (refusal.Code, true),
        PolicyApiException answer => (answer.Code, answer.Status is not (429 or >= 500)),

        // Disposed: another agent's channel, whose load this one shared. The next attempt goes by an own one.
        PolicyUnreachableException or OperationCanceledException or ObjectDisposedException => ("node.unreachable", false),
        _ => ("node.load_failed", true),
    };

    private void Swapped(LoadedPolicy policy, long started)
    {
        if (Volatile.Read(ref _brought) is { } brought && brought.Policy.PolicyHash == policy.PolicyHash)
        {
            started = brought.Started;
            Volatile.Write(ref _brought, null);
        }

        lock (_lock)
        {
            _isTroubled = false;
        }

        var took = _time.GetElapsedTime(started);
        log.Remember(new ReloadRecord(_time.GetUtcNow(), policy.Version, policy.PolicyHash, true, took.TotalMilliseconds, policy.Rules.Count));
        voice.Say(NodeEventKind.Swapped, "node.swapped", $"{policy.Version} is in force after {took.TotalMilliseconds:F1} ms");
        voice.ReportSoon();
    }

    private void Refused(string hash, string code, string error, long started)
    {
        error = Shortened(error);
        truth.Refuse(hash, error);
        var now = truth.Now.Policy;
        var took = _time.GetElapsedTime(started).TotalMilliseconds;
        log.Remember(new ReloadRecord(_time.GetUtcNow(), now?.Version, now?.PolicyHash, false, took, 0, error) { Code = ReloadCodes.Of(code) });
        voice.Say(NodeEventKind.Refused, "node.refused", $"{Short(hash)} is refused: {error}");
        voice.ReportSoon();
    }

    private void RootRefused(Problem problem) => voice.Say(NodeEventKind.Trouble, problem.Code, $"The next trust root is refused: {problem.Message}");

    private sealed record Brought(LoadedPolicy Policy, long Started);
}
