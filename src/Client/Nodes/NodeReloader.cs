using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>Puts the bundle in force that the directive demands: at once where it is at hand, else loaded in the background.</summary>
internal sealed class NodeReloader(NodeTruth truth, PolicyLoader loader, NodeVoice voice, PolicyNodeOptions options) : IAsyncDisposable
{
    /// <summary>Attempts that are kept to look back on. The counters are true ones and not computed from these.</summary>
    public const int HistoryMax = 10;

    /// <summary>A node's own words are for people: a page of them is enough.</summary>
    private const int ErrorCharsMax = 1000;

    /// <summary>The same content is most likely refused again: it is tried again because what came may have been damaged on its way.</summary>
    private static readonly Backoff AfterRefusal = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60));

    private readonly Lock _lock = new();
    private readonly TimeProvider _time = options.TimeProvider;
    private CancellationTokenSource? _running;
    private Task _last = Task.CompletedTask;
    private string? _loadingHash;
    private ReloadRecord? _unreported;
    private ReloadCounts _counts = new(0, 0, 0, []);
    private bool _disposed;

    public ReloadCounts Counts => Volatile.Read(ref _counts);

    /// <summary>Obeys a directive; returns quickly.</summary>
    public void Obey(NodeDirective directive, long sentAt)
    {
        var started = _time.GetTimestamp();
        var heard = truth.Hear(directive, sentAt, Ready);
        if (heard.IsNews)
        {
            voice.Say(NodeEventKind.Heard, "node.heard", $"epoch {directive.Epoch} demands {Short(directive.PolicyHash)}");
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
            voice.ReportSoon();
        }
    }

    /// <summary>The last attempt that no report has told of yet.</summary>
    public ReloadRecord? TakeUnreported() => Interlocked.Exchange(ref _unreported, null);

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

    private static string Short(string? hash) => hash is { Length: > 12 } ? hash[..12] : hash ?? "nothing";

    // What the application objects to is not ready: it is loaded as if it were not there, and refused with the objection.
    private LoadedPolicy? Ready(string policyHash, LoadedPolicy? kept) =>
        (kept is not null && loader.IsCurrent(kept) ? kept : loader.Find(policyHash)) is { } ready && ObjectionTo(ready) is null ? ready : null;

    private string? ObjectionTo(LoadedPolicy policy)
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

                if (truth.TrySwap(policy))
                {
                    Swapped(policy, started);
                    if (truth.Directive is { } now && now.FallbackHash is { } fallback && !truth.Has(fallback))
                    {
                        await PrefetchAsync(fallback, running.Token);
                    }
                }

                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the old bundle stays, and the node says why.
                if (running.IsCancellationRequested)
                {
                    return;
                }

                var (code, lasting) = Describe(e);
                if (lasting)
                {
                    Refused(hash, $"{code}: {e.Message}", started);
                    wait = AfterRefusal.After(failures);
                }
                else
                {
                    // A control plane that cannot be reached is no reason to say no to a bundle, however long it lasts: else its return
                    // would find every node that was loading refusing. It counts a node without an answer by itself (node.no_ack).
                    voice.Say(NodeEventKind.Trouble, code, e.Message);
                    wait = options.Backoff.After(failures, (e as PolicyApiException)?.RetryAfter);
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

    private static (string Code, bool Lasting) Describe(Exception e) => e switch
    {
        PolicyLoadException refusal => (refusal.Code, true),
        PolicyApiException answer => (answer.Code, answer.Status is not (429 or >= 500)),
        PolicyUnreachableException or OperationCanceledException => ("node.unreachable", false),
        _ => ("node.load_failed", true),
    };

    private void Swapped(LoadedPolicy policy, long started)
    {
        var took = _time.GetElapsedTime(started);
        Remember(new ReloadRecord(_time.GetUtcNow(), policy.Version, policy.PolicyHash, true, took.TotalMilliseconds, policy.Rules.Count));
        voice.Say(
            NodeEventKind.Swapped, "node.swapped", $"{policy.Version ?? Short(policy.PolicyHash)} is in force after {took.TotalMilliseconds:F1} ms");
        voice.ReportSoon();
    }

    private void Refused(string hash, string error, long started)
    {
        error = error.Length > ErrorCharsMax ? error[..ErrorCharsMax] : error;
        truth.Refuse(hash, error);
        var now = truth.Now.Policy;
        var took = _time.GetElapsedTime(started).TotalMilliseconds;
        Remember(new ReloadRecord(_time.GetUtcNow(), now?.Version, now?.PolicyHash, false, took, 0, error));
        voice.Say(NodeEventKind.Refused, "node.refused", $"{Short(hash)} is refused: {error}");
        voice.ReportSoon();
    }

    private void RootRefused(Problem problem) => voice.Say(NodeEventKind.Trouble, problem.Code, $"The next trust root is refused: {problem.Message}");

    private void Remember(ReloadRecord record)
    {
        Interlocked.Exchange(ref _unreported, record);
        ReloadCounts before, after;
        do
        {
            before = Counts;
            var history = before.History.Insert(0, record);
            after = new ReloadCounts(
                before.Attempts + 1, before.Succeeded + (record.Success ? 1 : 0), before.Failed + (record.Success ? 0 : 1),
                history.Length > HistoryMax ? history[..HistoryMax] : history);
        }
        while (Interlocked.CompareExchange(ref _counts, after, before) != before);
    }
}

/// <summary>A node's reloads since its start.</summary>
/// <param name="Attempts">How many were tried.</param>
/// <param name="Succeeded">Of these, how many put a bundle in force.</param>
/// <param name="Failed">Of these, how many did not.</param>
/// <param name="History">The last ten, newest first.</param>
public sealed record ReloadCounts(long Attempts, long Succeeded, long Failed, ImmutableArray<ReloadRecord> History);
