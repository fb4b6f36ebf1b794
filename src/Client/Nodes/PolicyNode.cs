using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// A node that enforces policy: it registers, hears its directive, loads and swaps bundles in the background, reports, and decides
/// in this process without a lock, a wait or a call. It fails closed (docs/ARCHITECTURE.md): without a good lease, a verified bundle
/// and a directive that allows it, every decision is a denial with a reason of <c>decide.*</c>.
/// </summary>
public sealed class PolicyNode : IPolicyNode, IAsyncDisposable
{
    /// <summary>A bundle that was put in force longer ago counts as stale: 24 hours.</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromHours(24);

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly PolicyNodeOptions _options;
    private readonly TimeProvider _time;
    private readonly NodeParts _parts;
    private readonly NodeTruth _truth;
    private readonly NodeMetrics _metrics;
    private readonly RecentInputs _recent;
    private readonly DecisionLog? _log;
    private readonly CancellationTokenSource _stopping = new();
    private Task _loops = Task.CompletedTask;
    private int _disposed;

    private PolicyNode(PolicyNodeOptions options, NodeParts parts)
    {
        _options = options;
        _time = options.TimeProvider;
        _parts = parts;
        (_truth, _metrics, _recent, _log) = (parts.Truth, parts.Metrics, parts.Recent, parts.Decisions);
    }

    /// <summary>The node's name.</summary>
    public string Name => _options.Node;

    /// <summary>What it heard and runs, now.</summary>
    public PolicyNodeStatus Status
    {
        get
        {
            var now = _truth.Now;
            var left = now.LeaseUntil switch
            {
                long.MinValue => TimeSpan.Zero,
                long.MaxValue => (TimeSpan?)null,
                var until => TimeSpan.FromSeconds(Math.Max(0, (until - _time.GetTimestamp()) / (double)_time.TimestampFrequency)),
            };
            return new PolicyNodeStatus
            {
                PolicyHash = now.Policy?.PolicyHash,
                Version = now.Policy?.Version,
                LoadedAt = now.LoadedAt,
                BundleAge = now.LoadedAt is { } loadedAt ? _time.GetUtcNow() - loadedAt : null,
                Offline = now.Offline,
                WantedHash = now.WantedHash,
                Group = now.Group,
                Epoch = now.Epoch,
                Refusal = Refusal(now)?.Reason,
                LeaseLeft = left,
                TrustVersion = _parts.Loader.Anchor.Now?.Root.Version ?? 0,
                Leads = now.Term > 0,
                Shadow = _parts.Shadow.Read()?.ToStatus(),
                Handshake = _parts.Leadership?.Last,
                Decisions = _metrics.Decisions,
                Refused = _metrics.Refused,
                ReportsAccepted = _parts.Reporter?.Accepted ?? 0,
                PollsFailed = _parts.Listener?.PollsFailed ?? 0,
                Reloads = _parts.Log.Counts,
                DecisionLog = _log?.Counts,
            };
        }
    }

    /// <summary>
    /// The bundle in force, to look at (a document bundle's document, say); null: none. Whether it may be acted on now,
    /// <see cref="PolicyNodeStatus.Refusal"/> says.
    /// </summary>
    public Bundle? Bundle => _truth.Now.Policy?.Prepared.Bundle;

    /// <summary>What is in force now, whole.</summary>
    internal NodeSnapshot Now => _truth.Now;

    /// <summary>
    /// Starts an agent. It comes back as soon as the node is registered, or cannot be for now: then the node denies and goes on
    /// trying. Where a sound bundle was kept from before a restart (<see cref="PolicyNodeOptions.StateFolder"/>) it comes back at once and
    /// registers behind its back. With <see cref="PolicyNodeOptions.BundleFile"/> it comes back once the file was tried: its bundle is in force, or the node
    /// denies until the file is sound. <see cref="WaitUntilServingAsync"/> waits for the first bundle.
    /// </summary>
    /// <exception cref="ArgumentException">The options do not fit.</exception>
    /// <exception cref="PolicyApiException">The control plane refuses the node, and no bundle was kept.</exception>
    /// <exception cref="PolicyUnreachableException">The trust root is to be fetched, and nobody answers.</exception>
    public static async Task<PolicyNode> StartAsync(PolicyNodeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var parts = await NodeParts.CreateAsync(options, cancellationToken);
        var node = new PolicyNode(parts.Options, parts);
        try
        {
            await node.BeginAsync(cancellationToken);
            NodeMeter.Add(node, parts.Options);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Decides. Never waits, never throws, safe from any thread.</summary>
    /// <param name="capabilityId">What is asked for.</param>
    /// <param name="context">What is known about the request; null counts as empty. It may be kept and asked with again, from any thread.</param>
    public NodeDecision Decide(string capabilityId, DecisionContext? context) => Decide(capabilityId, context, _time.GetUtcNow());

    /// <summary>The same for a moment of the caller's choosing: time windows are held against it. The lease is not: it is never anything but now.</summary>
    public NodeDecision Decide(string capabilityId, DecisionContext? context, DateTimeOffset wallClock)
    {
        var answer = Answer(capabilityId, context, wallClock);
        return _log is null ? answer : _log.Keep(capabilityId, context, answer);
    }

    /// <summary>
    /// Counts an observation of the application's own under a name, for criteria and triggers. For requests that fail there is
    /// <see cref="RecordFailure"/>. False: the value is not finite, or there are 48 names already.
    /// </summary>
    public bool Record(string metric, double value) => _metrics.Record(metric, value);

    /// <inheritdoc/>
    public void RecordFailure() => _metrics.Fail();

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The node is led by a file: it has no group.</exception>
    public void Promote() => (_parts.Leadership ?? throw new InvalidOperationException(
        "The node is led by a file: there is no group whose members it could ask what they run.")).Promote();

    /// <inheritdoc/>
    public void Demote() => _parts.Leadership?.Demote();

    /// <summary>Waits until the node serves.</summary>
    public async Task WaitUntilServingAsync(CancellationToken cancellationToken = default)
    {
        while (Refusal(_truth.Now) is not null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken);
        }
    }

    /// <summary>
    /// Reads <see cref="PolicyNodeOptions.BundleFile"/> now and puts it in force, changed or not; the same in
    /// <see cref="PolicyNodeStatus.Reloads"/>. Every failure is an answer and leaves what is in force.
    /// </summary>
    /// <exception cref="InvalidOperationException">The node has no file: its control plane says what it runs.</exception>
    public Task<ReloadResult> ReloadAsync(ReloadOrder? order = null, CancellationToken cancellationToken = default) => ReloadAsync(
        _options.BundleFile ?? throw new InvalidOperationException("The node runs what its control plane says: there is no file to reload."),
        order, cancellationToken);

    /// <summary>The same with another file, such as the previous one: it stays in force until <see cref="PolicyNodeOptions.BundleFile"/> changes.</summary>
    /// <exception cref="InvalidOperationException">As above.</exception>
    public Task<ReloadResult> ReloadAsync(string file, ReloadOrder? order = null, CancellationToken cancellationToken = default) => _options.BundleFile is null
        ? throw new InvalidOperationException("The node runs what its control plane says: it takes no file.")
        : _parts.Files.ReloadAsync(BundleSource.OfFile(Path.GetFullPath(file)), order ?? new ReloadOrder(), _options.CommitFile, cancellationToken);

    /// <summary>The same for what the process's own control plane brings, with its own way to make it true.</summary>
    internal Task<ReloadResult> ReloadAsync(
        BundleSource source, ReloadOrder order, CommitFile commit, CancellationToken cancellationToken) =>
        _parts.Files.ReloadAsync(source, order, commit, cancellationToken);

    /// <summary>Verifies a bundle as a reload would, and changes nothing.</summary>
    internal async Task<Outcome<Bundle>> VerifyAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            return Outcome<Bundle>.Ok((await _parts.Loader.PrepareAsync(content, new PreparationOptions(), cancellationToken)).Prepared.Bundle);
        }
        catch (PolicyLoadException e)
        {
            return Outcome<Bundle>.Fail(e.Problems);
        }
    }

    /// <summary>Says a last word to the control plane, if that can be heard within 2 s, and stops. It denies from then on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        NodeMeter.Remove(this);
        await _stopping.CancelAsync();
        await _loops;
        await _parts.Reloader.DisposeAsync();
        await _parts.Shadow.DisposeAsync();
        if (_parts is { Reporter: { } reporter, Listener.IsRegistered: true } && _truth.Directive is not null)
        {
            using var limit = new CancellationTokenSource(FlushTimeout);
            await reporter.FlushAsync(limit.Token);
        }

        _truth.Stop();
        if (_log is not null)
        {
            await _log.DisposeAsync();
        }

        _parts.Dispose();
        _stopping.Dispose();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        var kept = _parts.Keeper is { } keeper ? await keeper.ResumeAsync(_parts.Loader, _parts.Reloader, cancellationToken) : null;
        var loops = new List<Func<CancellationToken, Task>>();
        if (_parts is { Listener: { } listener, Reporter: { } reporter })
        {
            // What was kept is not held up by a control plane that is away or does not know the key: the listener registers first of all.
            if (kept is null)
            {
                await TryRegisterAsync(listener, cancellationToken);
            }

            loops.AddRange([listener.RunAsync, reporter.RunAsync, _parts.Leadership!.RunAsync]);
        }

        if (kept is { FileHash: { } hash } && kept.File == _options.BundleFile)
        {
            _parts.Files.Resume(hash);
        }

        if (_parts.Watcher is { } watcher)
        {
            await watcher.BeginAsync(cancellationToken);
            loops.Add(watcher.RunAsync);
        }

        if (_parts.Keeper is { } writer)
        {
            loops.Add(writer.RunAsync);
        }

        _loops = Task.WhenAll(loops.Select(loop => Task.Run(() => loop(_stopping.Token), CancellationToken.None)));
    }

    private static async Task TryRegisterAsync(NodeListener listener, CancellationToken cancellationToken)
    {
        try
        {
            await listener.RegisterAsync(cancellationToken);
        }
        catch (Exception e) when (e is PolicyUnreachableException or PolicyApiException { Status: 429 or >= 500 })
        {
            // A node may start before its control plane, or while that is away.
        }
    }

    private NodeDecision Answer(string capabilityId, DecisionContext? context, DateTimeOffset wallClock)
    {
        var now = _truth.Now;
        var started = _time.GetTimestamp();
        if ((now.Refusal ?? (started >= now.LeaseUntil ? Refusals.Stale : null)) is { } refusal)
        {
            if (_metrics.Refuse(refusal, now))
            {
                _parts.Voice.ReportSoon();
            }

            return new NodeDecision(refusal, null, null, now.Epoch, wallClock);
        }

        var policy = now.Policy!;
        var decision = policy.Rules.Decide(new DecisionRequest(capabilityId, context, wallClock));
        _metrics.Decided(decision.Allowed, decision.IsError, _time.GetTimestamp() - started);
        _recent.Offer(capabilityId, context, started);
        now.Shadow?.Offer(capabilityId, context, wallClock, decision);
        return new NodeDecision(decision, policy.Version, policy.PolicyHash, now.Epoch, wallClock) { Offline = now.Offline };
    }

    private Decision? Refusal(NodeSnapshot now) => now.Refusal ?? (_time.GetTimestamp() >= now.LeaseUntil ? Refusals.Stale : null);
}
