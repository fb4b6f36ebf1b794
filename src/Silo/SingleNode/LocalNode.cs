using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Silo.SingleNode;

/// <summary>
/// Node <c>local</c> of fleet <c>default</c>: this process, deciding for whoever asks it. An agent like any other; what it runs is a file
/// while the fleet has no baseline, and what rollouts say from then on.
/// </summary>
public sealed partial class LocalNode(
    SiloSettings settings, IGrainFactory grains, FleetFeeds feeds, FleetTruth truth, IRolloutStore store, ICatalogStore catalog, ReloadMetrics metrics,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<LocalNode> logger) : IHostedService, IAsyncDisposable
{
    /// <summary>The tenant and the fleet of this node.</summary>
    public const string Tenant = "default";

    /// <inheritdoc cref="Tenant"/>
    public const string Fleet = "default";

    private static readonly TimeSpan FirstBundleWait = TimeSpan.FromSeconds(3);
    private static readonly Caller Self = new(Actor.ControlPlane("local"));

    private readonly SemaphoreSlim _starting = new(1, 1);
    private volatile PolicyNode? _node;
    private bool _stopped;

    /// <summary>The agent; null before anybody needed it.</summary>
    public PolicyNode? Node => _node;

    /// <summary>Begins, where a file is configured or the process was this node before. The rest of the process runs already.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        metrics.Version = () => _node?.Status.Version;
        try
        {
            await SetFirstTrustAsync(cancellationToken);
            if (settings.Cluster.IsJoined)
            {
                // Several processes cannot be one node: a cluster decides for nobody but its registered nodes.
                return;
            }

            var nodes = await store.ListNodesAsync(Tenant, Fleet, cancellationToken);
            if (settings.BundleFile is null && !nodes.Any(node => node.Node == FileDirective.Node))
            {
                return;
            }

            var node = await StartedAsync(cancellationToken);
            var fleet = await store.ReadFleetAsync(Tenant, Fleet, cancellationToken);
            if (settings.BundleFile is not null && fleet?.Directive.Target is null && node.Status.Reloads.Attempts == 0)
            {
                // What was kept on disk is in force, and the database knows nothing of it: it is another one.
                await node.ReloadAsync(cancellationToken: cancellationToken);
            }
        }
        catch (StoreUnavailableException exception)
        {
            LogLate(exception);
        }
    }

    /// <summary>The agent for a call that changes nothing: joins the fleet at the first such call, where that has a bundle; else null.</summary>
    public async ValueTask<PolicyNode?> FindAsync(CancellationToken cancellationToken)
    {
        if (_node is { } running)
        {
            return running;
        }

        if ((await truth.ReadAsync(Tenant, Fleet, cancellationToken))?.Directive.Target is null)
        {
            return null;
        }

        var node = await StartedAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FirstBundleWait);
        await node.WaitUntilServingAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return node;
    }

    /// <summary>Whether rollouts lead the fleet, so that it takes no file.</summary>
    public async ValueTask<bool> IsManagedAsync(CancellationToken cancellationToken)
    {
        var fleet = await store.ReadFleetAsync(Tenant, Fleet, cancellationToken);
        return fleet?.Directive is { Target: not null } directive && !FileDirective.Holds(directive);
    }

    /// <summary>Puts a bundle in force that somebody brings. Every failure is an answer, and leaves what is in force.</summary>
    internal async Task<ReloadResult> ReloadAsync(BundleSource source, ReloadOrder order, Caller caller, CancellationToken cancellationToken)
    {
        var node = await StartedAsync(cancellationToken);
        return await node.ReloadAsync(source, order, (policy, knownEpoch) => CommitAsync(policy, knownEpoch, source.Name, caller), cancellationToken);
    }

    /// <summary>Verifies a bundle as a reload would.</summary>
    public async Task<Outcome<Bundle>> VerifyAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        await (await StartedAsync(cancellationToken)).VerifyAsync(content, cancellationToken);

    /// <summary>The rules of a hash, where it is what this node runs: a file's bundle is in no catalog.</summary>
    public RuleSet? FindRules(string tenant, string policyHash) =>
        tenant == Tenant && _node?.Now.Policy is { } policy && policy.PolicyHash == policyHash ? policy.Rules : null;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        _stopped = true;
        _starting.Release();
        if (_node is { } node)
        {
            await node.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_node is { } node)
        {
            await node.DisposeAsync();
        }

        _starting.Dispose();
    }

    private async Task<PolicyNode> StartedAsync(CancellationToken cancellationToken)
    {
        if (_node is { } running)
        {
            return running;
        }

        await _starting.WaitAsync(cancellationToken);
        try
        {
            return _node ??= _stopped
                ? throw new StoreUnavailableException("The process is stopping.")
                : await PolicyNode.StartAsync(Options(), cancellationToken);
        }
        finally
        {
            _starting.Release();
        }
    }

    private PolicyNodeOptions Options() => new()
    {
        Tenant = Tenant,
        Fleet = Fleet,
        Node = FileDirective.Node,
        Role = "control-plane",
        Channel = new LocalChannel(Tenant, Fleet, feeds, catalog, grains, clock),
        BundleFile = settings.BundleFile,
        CommitFile = (policy, knownEpoch) => CommitAsync(policy, knownEpoch, settings.BundleFile ?? "", Self),
        StateFolder = Path.Combine(settings.DataFolder, FileDirective.Node),
        TimeProvider = clock,
        OnEvent = Log,
        OnReload = metrics.Reloaded,
    };

    private async Task<Outcome<NodeDirective>> CommitAsync(LoadedPolicy policy, long knownEpoch, string path, Caller caller)
    {
        var fleet = grains.Fleet(Tenant, Fleet);
        var file = new VerifiedFile(path, policy.PolicyHash, policy.Version, policy.Rules.Count, knownEpoch);
        try
        {
            var loaded = await fleet.LoadFileAsync(file, caller);
            if (!loaded.Succeeded && loaded.Problems[0].Code == "fleet.unknown")
            {
                var created = await fleet.ConfigureAsync(new FleetSettings(), caller with { OperationId = null });
                loaded = created.Succeeded ? await fleet.LoadFileAsync(file, caller) : created;
            }

            return loaded.Succeeded ? Outcome<NodeDirective>.Ok(Heard(loaded.Value)) : Refuse(loaded.Problems[0]);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            return Refuse(new Problem(CommonCodes.StoreUnavailable, exception.Message));
        }
    }

    // Exactly what the feed tells this node within moments.
    private static NodeDirective Heard(FleetSnapshot fleet) => new()
    {
        Epoch = fleet.Directive.Epoch,
        ArmEpoch = fleet.Arms.Epoch,
        Armed = fleet.IsArmed(FileDirective.Node),
        PolicyHash = fleet.Directive.Target,
        Version = fleet.Directive.FileVersion,
        LeaseSec = Lease.Grant(fleet.Settings, fleet.Directive),
        ReportIntervalSec = fleet.Settings.ReportIntervalSec,
    };

    private static Outcome<NodeDirective> Refuse(Problem problem) => Outcome<NodeDirective>.Fail([
        problem.Code is CommonCodes.StoreUnavailable or CommonCodes.Conflict
            ? new Problem(ReloadCodes.Audit, "The reload could not be put on record, so it did not happen: " + problem.Message)
            : problem,
    ]);

    // The root in the file is the tenant's first one; from then on its chain is the tenant's.
    private async Task SetFirstTrustAsync(CancellationToken cancellationToken)
    {
        if (settings.TrustRootFile is null || await catalog.ReadTrustRootAsync(Tenant, null, cancellationToken) is not null)
        {
            return;
        }

        var root = await InstalledTrust.ReadFileAsync(settings.TrustRootFile, cancellationToken);
        var set = await grains.GetGrain<ICatalogGrain>(Tenant).SetTrustAsync(root, false, Self);
        if (!set.Succeeded)
        {
            throw new ArgumentException($"{set.Problems[0].Code}: {set.Problems[0].Message}");
        }
    }

    private void Log(NodeEvent happened)
    {
        var level = happened.Kind is NodeEventKind.Refused or NodeEventKind.Trouble ? LogLevel.Warning : LogLevel.Information;
        LogEvent(level, happened.Code, happened.Text);
    }

    [LoggerMessage(EventId = 1, Message = "Node local: {Code}: {Text}")]
    private partial void LogEvent(LogLevel level, string code, string text);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Node local could not begin: it does at the first call.")]
    private partial void LogLate(Exception exception);
}
