using OrleansPolicy.Bundles;
using OrleansPolicy.Client;

namespace OrleansPolicy.Demo;

/// <summary>The fleet's nodes: real agents, each with its own key and its own long poll. They share connections and compiled bundles.</summary>
internal sealed class Agents : IAsyncDisposable
{
    /// <summary>What such a gateway says of a newer policy.</summary>
    public const string OldBuildWords = "this gateway is of an older build and takes policies up to 1.3";

    private const int Zones = 4;
    private const int StartedAtOnce = 20;

    /// <summary>One zone's gateways are of an older build: they have a word to say about what they can load.</summary>
    private const int OldZone = Zones - 1;

    private static readonly Version OldBuildTakes = new(1, 3);

    private readonly PolicyTransport _transport = new();
    private readonly PolicyCache _cache = new();

    public PolicyNode[] Nodes { get; private set; } = [];

    public static string NameOf(int index) => $"gateway-{index:D4}";

    public static string ZoneOf(int index) => $"zone-{(char)('a' + (index % Zones))}";

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
                        FailureDomain = ZoneOf(index),
                        Accept = index % Zones == OldZone ? ObjectionOfOldBuild : null,
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

    private static string? ObjectionOfOldBuild(PolicyCandidate candidate) =>
        Version.TryParse(candidate.Version, out var version) && new Version(version.Major, version.Minor) > OldBuildTakes ? OldBuildWords : null;
}
