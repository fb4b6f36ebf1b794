using OrleansPolicy.Bundles;
using OrleansPolicy.Client;

namespace OrleansPolicy.Demo;

/// <summary>The fleet's nodes: real agents, each with its own key and its own long poll. They share connections and compiled bundles.</summary>
internal sealed class Agents : IAsyncDisposable
{
    private const int Zones = 4;
    private const int StartedAtOnce = 20;

    private readonly PolicyTransport _transport = new();
    private readonly PolicyCache _cache = new();

    public PolicyNode[] Nodes { get; private set; } = [];

    public static string NameOf(int index) => $"gateway-{index:D4}";

    public async Task StartAsync(Uri server, string fleet, IReadOnlyList<string> keys, TrustRoot root, CancellationToken cancellationToken)
    {
        using var places = new SemaphoreSlim(StartedAtOnce);
        Nodes = await Task.WhenAll(keys.Select(async (key, index) =>
        {
            await places.WaitAsync(cancellationToken);
            try
            {
                return await PolicyNode.StartAsync(
                    new PolicyNodeOptions
                    {
                        Server = server,
                        ApiKey = key,
                        Fleet = fleet,
                        Node = NameOf(index),
                        FailureDomain = $"zone-{(char)('a' + (index % Zones))}",
                        TrustRoot = root,
                        Transport = _transport,
                        Cache = _cache,
                    },
                    cancellationToken);
            }
            finally
            {
                places.Release();
            }
        }));
    }

    /// <summary>How many nodes make their next decision under a hash, as they themselves say.</summary>
    public int CountOn(string policyHash) => Nodes.Count(n => n.Status.PolicyHash == policyHash);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(n => n.DisposeAsync().AsTask()));
        _transport.Dispose();
    }
}
