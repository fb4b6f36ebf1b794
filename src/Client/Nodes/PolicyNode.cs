using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// A node that enforces policy: it registers, hears its directive, loads and swaps bundles in the background, reports, and decides
/// in this process without a lock, a wait or a call. It fails closed (docs/ARCHITECTURE.md): without a good lease, a verified bundle
/// and a directive that allows it, every decision is a denial with a reason of <c>decide.*</c>.
/// </summary>
public sealed class PolicyNode : IPolicyNode, IAsyncDisposable
{
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly PolicyNodeOptions _options;
    private readonly TimeProvider _time;
    private readonly PolicyClient _client;
    private readonly PolicyTransport? _ownTransport;
    private readonly NodeTruth _truth;
    private readonly NodeMetrics _metrics;
    private readonly PolicyLoader _loader;
    private readonly NodeReloader _reloader;
    private readonly NodeListener _listener;
    private readonly NodeReporter _reporter;
    private readonly CancellationTokenSource _stopping = new();
    private Task _loops = Task.CompletedTask;
    private int _disposed;

    private PolicyNode(PolicyNodeOptions options, PolicyClient client, PolicyTransport? ownTransport, TrustAnchor anchor, PolicyCache cache)
    {
        _options = options;
        _time = options.TimeProvider;
        _client = client;
        _ownTransport = ownTransport;
        _truth = new NodeTruth(_time);
        _metrics = new NodeMetrics(_time);
        _loader = new PolicyLoader(client, cache, anchor, options.DefaultEffect);
        var voice = new NodeVoice(options);
        _reloader = new NodeReloader(_truth, _loader, voice, options);
        _listener = new NodeListener(client, _truth, _reloader, voice, options);
        _reporter = new NodeReporter(client, _truth, _metrics, _reloader, _listener, voice, options);
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
                WantedHash = now.WantedHash,
                Epoch = now.Epoch,
                Refusal = Refusal(now)?.Reason,
                LeaseLeft = left,
                TrustVersion = _loader.Anchor.Now.Root.Version,
                Decisions = _metrics.Decisions,
                Refused = _metrics.Refused,
                ReportsAccepted = _reporter.Accepted,
                PollsFailed = _listener.PollsFailed,
                Reloads = _reloader.Counts,
            };
        }
    }

    /// <summary>
    /// Starts an agent. It comes back as soon as the node is registered, or cannot be for now: then the node denies and goes on
    /// trying. <see cref="WaitUntilServingAsync"/> waits for the first bundle.
    /// </summary>
    /// <exception cref="ArgumentException">The options do not fit.</exception>
    /// <exception cref="PolicyApiException">The control plane refuses the node.</exception>
    /// <exception cref="PolicyUnreachableException">The trust root is to be fetched, and nobody answers.</exception>
    public static async Task<PolicyNode> StartAsync(PolicyNodeOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var problem = Names.Check(options.Node, "The node") ?? Names.Check(options.Fleet, "The fleet")
            ?? Names.Check(options.FailureDomain, "The failure domain");
        if (problem is not null)
        {
            throw new ArgumentException(problem.Message, nameof(options));
        }

        var ownTransport = options.Transport is null ? new PolicyTransport() : null;
        try
        {
            var client = new PolicyClient(new PolicyClientOptions
            {
                Server = options.Server,
                ApiKey = options.ApiKey,
                Tenant = options.Tenant,
                Timeout = TimeSpan.FromSeconds(20),
                TimeProvider = options.TimeProvider,
                Transport = options.Transport ?? ownTransport,
            });
            var cache = options.Cache ?? new PolicyCache(capacity: 4);
            var root = await InstalledTrust.ReadAsync(options, client, cancellationToken);
            var anchor = cache.AnchorFor(options.Server.GetLeftPart(UriPartial.Authority), options.Tenant, root);
            var node = new PolicyNode(options, client, ownTransport, anchor, cache);
            try
            {
                await node._listener.RegisterAsync(cancellationToken);
            }
            catch (Exception e) when (e is PolicyUnreachableException or PolicyApiException { Status: 429 or >= 500 })
            {
                // A node may start before its control plane, or while that is away.
            }

            node._loops = Task.WhenAll(
                Task.Run(() => node._listener.RunAsync(node._stopping.Token), CancellationToken.None),
                Task.Run(() => node._reporter.RunAsync(node._stopping.Token), CancellationToken.None));
            return node;
        }
        catch
        {
            ownTransport?.Dispose();
            throw;
        }
    }

    /// <summary>Decides. Never waits, never throws, safe from any thread.</summary>
    /// <param name="capabilityId">What is asked for.</param>
    /// <param name="context">What is known about the request; its memory must not be disposed meanwhile.</param>
    public NodeDecision Decide(string capabilityId, JsonElement context) => Decide(capabilityId, context, _time.GetUtcNow());

    /// <summary>The same for a moment of the caller's choosing: time windows are held against it. The lease is not: it is never anything but now.</summary>
    public NodeDecision Decide(string capabilityId, JsonElement context, DateTimeOffset wallClock)
    {
        var now = _truth.Now;
        var started = _time.GetTimestamp();
        if ((now.Refusal ?? (started >= now.LeaseUntil ? Refusals.Stale : null)) is { } refusal)
        {
            _metrics.Refuse();
            return new NodeDecision(refusal, null, null, now.Epoch, wallClock);
        }

        var policy = now.Policy!;
        var decision = policy.Rules.Decide(new DecisionRequest(capabilityId, context, wallClock));
        _metrics.Decided(decision.Allowed, decision.IsError, _time.GetTimestamp() - started);
        return new NodeDecision(decision, policy.Version, policy.PolicyHash, now.Epoch, wallClock);
    }

    /// <summary>
    /// Counts an observation of the application's own under a name, for criteria and triggers. For requests that fail there is
    /// <see cref="RecordFailure"/>. False: the value is not finite, or there are 48 names already.
    /// </summary>
    public bool Record(string metric, double value) => _metrics.Record(metric, value);

    /// <inheritdoc/>
    public void RecordFailure() => _metrics.Fail();

    /// <summary>Waits until the node serves.</summary>
    public async Task WaitUntilServingAsync(CancellationToken cancellationToken = default)
    {
        while (Refusal(_truth.Now) is not null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken);
        }
    }

    /// <summary>Says a last word to the control plane, if that can be heard within 2 s, and stops. It denies from then on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _loops;
        await _reloader.DisposeAsync();
        if (_listener.IsRegistered && _truth.Directive is not null)
        {
            using var limit = new CancellationTokenSource(FlushTimeout);
            await _reporter.FlushAsync(limit.Token);
        }

        _truth.Stop();
        _client.Dispose();
        _ownTransport?.Dispose();
        _stopping.Dispose();
    }

    private Decision? Refusal(NodeSnapshot now) => now.Refusal ?? (_time.GetTimestamp() >= now.LeaseUntil ? Refusals.Stale : null);
}
