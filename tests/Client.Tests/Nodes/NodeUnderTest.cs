using System.Text.Json;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>A fake control plane, signing keys and the options of an agent for them.</summary>
internal sealed class NodeUnderTest : IAsyncDisposable
{
    public static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private NodeUnderTest(FakeControlPlane plane)
    {
        Plane = plane;
    }

    public FakeControlPlane Plane { get; }

    public SignedBundles Bundles { get; } = new();

    public ShiftedTime Time { get; } = new();

    public System.Collections.Concurrent.ConcurrentQueue<NodeEvent> Events { get; } = new();

    public PolicyNodeOptions Options => new()
    {
        Server = Plane.Address,
        ApiKey = "node-key",
        Fleet = FakeControlPlane.Fleet,
        Node = "n-1",
        TrustRoot = Bundles.Root,
        TimeProvider = Time,
        Backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100)),
        OnEvent = Events.Enqueue,
    };

    public static async Task<NodeUnderTest> CreateAsync() => new(await FakeControlPlane.StartAsync());

    /// <summary>A published bundle.</summary>
    public SignedBundle Publish(string version) => Plane.Store(Bundles.Make(version));

    /// <summary>An agent that serves the bundle.</summary>
    public async Task<PolicyNode> ServingAsync(SignedBundle bundle, PolicyNodeOptions? options = null)
    {
        Plane.Demand(bundle);
        var node = await PolicyNode.StartAsync(options ?? Options);
        await Eventually.Holds(() => node.Status.PolicyHash == bundle.Hash);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        await Plane.DisposeAsync();
        Bundles.Dispose();
    }
}
