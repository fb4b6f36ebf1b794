namespace OrleansPolicy.Client;

/// <summary>The parts of one agent, put together once. A node that leads itself by a file has nobody to listen or report to.</summary>
internal sealed record NodeParts : IDisposable
{
    private const int RecentInputsMax = 1024;
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(20);

    private static readonly Backoff CallBackoff = new PolicyClientOptions().Backoff;

    /// <summary>The options, with the names that a file's node has by default.</summary>
    public required PolicyNodeOptions Options { get; init; }

    public required NodeTruth Truth { get; init; }

    public required NodeMetrics Metrics { get; init; }

    public required NodeVoice Voice { get; init; }

    public required RecentInputs Recent { get; init; }

    public required ReloadLog Log { get; init; }

    public required PolicyLoader Loader { get; init; }

    public required NodeReloader Reloader { get; init; }

    public required NodeShadow Shadow { get; init; }

    public required FileReloads Files { get; init; }

    public INodeChannel? Channel { get; init; }

    public NodeListener? Listener { get; init; }

    public NodeReporter? Reporter { get; init; }

    public NodeLeadership? Leadership { get; init; }

    public BundleFileWatcher? Watcher { get; init; }

    public StateKeeper? Keeper { get; init; }

    public DecisionLog? Decisions { get; init; }

    /// <summary>Checks the options and puts the parts together; nothing runs yet.</summary>
    public static async Task<NodeParts> CreateAsync(PolicyNodeOptions given, CancellationToken cancellationToken)
    {
        var options = Checked(given);
        var channel = options.Channel ?? (options.BundleFile is null ? OpenChannel(options) : null);
        try
        {
            return Assemble(options, channel, await AnchorAsync(options, channel, cancellationToken));
        }
        catch
        {
            channel?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Watcher?.Dispose();
        Files.Dispose();
        Channel?.Dispose();
    }

    private static NodeParts Assemble(PolicyNodeOptions options, INodeChannel? channel, TrustAnchor anchor)
    {
        var truth = new NodeTruth(options.TimeProvider);
        var metrics = new NodeMetrics(options.TimeProvider);
        var recent = new RecentInputs(options.RecentInputs, options.TimeProvider);
        var log = new ReloadLog(options);
        var voice = new NodeVoice(options);
        var loader = new PolicyLoader(channel, options.Tenant, options.Cache!, anchor, options.DefaultEffect);
        var shadow = new NodeShadow(truth, loader, voice, options);
        var reloader = new NodeReloader(truth, loader, shadow, log, recent, voice, options);
        var files = new FileReloads(loader, truth, reloader, log, voice, options);
        var listener = channel is null ? null : new NodeListener(channel, truth, reloader, voice, options);
        return new NodeParts
        {
            Options = options,
            Truth = truth,
            Metrics = metrics,
            Voice = voice,
            Recent = recent,
            Log = log,
            Loader = loader,
            Reloader = reloader,
            Shadow = shadow,
            Files = files,
            Channel = channel,
            Listener = listener,
            Reporter = channel is null ? null : new NodeReporter(channel, truth, metrics, shadow, reloader, log, listener!, voice, options),
            Leadership = channel is null ? null : new NodeLeadership(channel, truth, metrics, voice, options),
            Watcher = options.BundleFile is { } file ? new BundleFileWatcher(file, files, truth, voice, options) : null,
            Keeper = options.StateFolder is { } folder ? new StateKeeper(new StateFolder(folder), truth, anchor, files, voice, options) : null,
            Decisions = DecisionLog.Open(options, (channel as HttpNodeChannel)?.Client, voice, metrics),
        };
    }

    private static PolicyNodeOptions Checked(PolicyNodeOptions given)
    {
        var options = given with { Cache = given.Cache ?? new PolicyCache(capacity: 4) };
        if (given.BundleFile is { } file)
        {
            options = options with
            {
                BundleFile = Path.GetFullPath(file),
                Fleet = given.Fleet.Length == 0 ? "default" : given.Fleet,
                Node = given.Node.Length == 0 ? "local" : given.Node,
            };
        }

        var problem = Names.Check(options.Node, "The node") ?? Names.Check(options.Fleet, "The fleet")
            ?? Names.Check(options.FailureDomain, "The failure domain")
            ?? (options.ParityGroup is { } group ? Names.Check(group, "The parity group") : null)
            ?? (options is { ParityGroup: not null, BundleFile: not null } ? new Problem("node.group", "A parity group is led by a control plane, never by a file.") : null)
            ?? (options.ApiKey is not { Length: > 0 } && options.BundleFile is null && options.Channel is null ? new Problem("node.key", "A node needs its key.") : null)
            ?? (options.RecentInputs is < 0 or > RecentInputsMax ? new Problem("node.recent_inputs", $"Recent inputs are 0 to {RecentInputsMax}.") : null)
            ?? (options.BundleFilePoll <= TimeSpan.Zero ? new Problem("node.poll", "A file is looked at every so often.") : null);
        return problem is null ? options : throw new ArgumentException(problem.Message, nameof(given));
    }

    private static HttpNodeChannel OpenChannel(PolicyNodeOptions options)
    {
        var own = options.Transport is null ? new PolicyTransport() : null;
        var client = new PolicyClient(new PolicyClientOptions
        {
            Servers = options.Servers,
            ApiKey = options.ApiKey,
            Tenant = options.Tenant,
            Timeout = CallTimeout,
            Backoff = CallBackoff with { RetryAfterMax = options.Backoff.RetryAfterMax },
            TimeProvider = options.TimeProvider,
            Transport = options.Transport ?? own,
        });
        return new HttpNodeChannel(client, options.Fleet, options.Node, own);
    }

    private static async Task<TrustAnchor> AnchorAsync(PolicyNodeOptions options, INodeChannel? channel, CancellationToken cancellationToken)
    {
        if (options is { Channel: { } own, TrustRoot: null, TrustRootFile: null })
        {
            return await OwnAnchorAsync(own, cancellationToken);
        }

        // Without a channel to fetch or follow by, the root given at install is the one.
        var kept = options.StateFolder is { } folder ? await new StateFolder(folder).ReadAsync(cancellationToken) : null;
        var root = await InstalledTrust.ReadAsync(options, channel, kept?.State.Roots ?? [], cancellationToken);
        return channel is null ? new TrustAnchor(root) : options.Cache!.AnchorFor(channel.Origin, options.Tenant, root);
    }

    private static async Task<TrustAnchor> OwnAnchorAsync(INodeChannel own, CancellationToken cancellationToken)
    {
        var anchor = TrustAnchor.OfOwnStore();
        try
        {
            await anchor.FollowAsync(own, null, cancellationToken);
        }
        catch (Exception e) when (e is PolicyLoadException or PolicyUnreachableException)
        {
            // There is none yet, or it cannot be read now: each reload looks again.
        }

        return anchor;
    }
}
