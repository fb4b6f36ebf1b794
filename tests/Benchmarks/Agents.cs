using OrleansPolicy.Client;

namespace OrleansPolicy.Benchmarks;

/// <summary>Real agents in this process, each with its own key and its own long poll. They share connections and compiled bundles.</summary>
internal sealed class Agents : IAsyncDisposable
{
    private const int StartedAtOnce = 100;

    // Each holds one connection for its poll; reports share the others, for a process has only so many descriptors.
    private const int ConnectionsForReports = 1_000;

    private readonly PolicyTransport _transport;
    private readonly PolicyCache _cache = new();
    private PolicyNode[] _nodes = [];
    private long _lastSwap;
    private long _lastArmed;

    private Agents(int count) =>
        _transport = new PolicyTransport(configure: handler => handler.MaxConnectionsPerServer = count + ConnectionsForReports);

    public IReadOnlyList<PolicyNode> Nodes => _nodes;

    /// <summary>When the last of them put another bundle in force.</summary>
    public DateTimeOffset LastSwapAt => new(Interlocked.Read(ref _lastSwap), TimeSpan.Zero);

    /// <summary>When the last of them was armed or disarmed.</summary>
    public DateTimeOffset LastArmedAt => new(Interlocked.Read(ref _lastArmed), TimeSpan.Zero);

    public static async Task<Agents> StartAsync(Installation installation, string fleet, int count, Func<int, string>? groupOf = null)
    {
        var keys = await installation.Admin.CreateKeysAsync(
            [.. Enumerable.Range(0, count).Select(Installation.NameOf).Select(node => new NewKey
            {
                Name = node, Subject = node, Role = "node", Fleet = fleet, Node = node,
            })]);
        var agents = new Agents(count);
        using var places = new SemaphoreSlim(StartedAtOnce);
        agents._nodes = await Task.WhenAll(keys.Select(async (key, index) =>
        {
            await places.WaitAsync();
            try
            {
                return await PolicyNode.StartAsync(new PolicyNodeOptions
                {
                    Servers = installation.Addresses,
                    ApiKey = key.Key,
                    Fleet = fleet,
                    Node = Installation.NameOf(index),
                    FailureDomain = $"zone-{index % 4}",
                    ParityGroup = groupOf?.Invoke(index),
                    TrustRoot = installation.Root,
                    Transport = agents._transport,
                    Cache = agents._cache,
                    OnEvent = agents.Note,
                });
            }
            finally
            {
                places.Release();
            }
        }));
        return agents;
    }

    /// <summary>Waits until every node decides under a hash.</summary>
    public async Task UntilAllOnAsync(string policyHash)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!_nodes.All(node => node.Status is { Refusal: null } now && now.PolicyHash == policyHash))
        {
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>Lets each node decide about one request.</summary>
    public void DecideOnce()
    {
        foreach (var node in _nodes)
        {
            node.Decide("gateway.health.read", default);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        _transport.Dispose();
    }

    private void Note(NodeEvent happened)
    {
        if (happened.Kind == NodeEventKind.Swapped)
        {
            Raise(ref _lastSwap, happened.At.UtcTicks);
        }
        else if (happened.Kind == NodeEventKind.Armed)
        {
            Raise(ref _lastArmed, happened.At.UtcTicks);
        }
    }

    private static void Raise(ref long highest, long at)
    {
        for (var last = Interlocked.Read(ref highest); at > last; last = Interlocked.Read(ref highest))
        {
            if (Interlocked.CompareExchange(ref highest, at, last) == last)
            {
                return;
            }
        }
    }
}
