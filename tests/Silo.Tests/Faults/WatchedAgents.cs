using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>Real agents over HTTP, each asked for a decision many times a second: what is denied, is noted.</summary>
internal sealed class WatchedAgents : IAsyncDisposable
{
    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly PolicyTransport _transport;
    private readonly ConcurrentQueue<string> _denials = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<PolicyNode> _nodes = [];
    private Task _asking = Task.CompletedTask;

    private WatchedAgents(PolicyTransport transport) => _transport = transport;

    /// <summary>What was denied since the start: node and reason.</summary>
    public IReadOnlyCollection<string> Denials => _denials;

    public IReadOnlyList<PolicyNode> Nodes => _nodes;

    public static async Task<WatchedAgents> StartAsync(Uri server, string key, TestBundles bundles, string fleet, int count, string prefix = "n", PolicyTransport? transport = null, ImmutableArray<Uri> others = default)
    {
        var agents = new WatchedAgents(transport ?? new PolicyTransport());
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (var index = 0; index < count; index++)
        {
            agents._nodes.Add(await PolicyNode.StartAsync(
                new PolicyNodeOptions
                {
                    Servers = others.IsDefault ? [server] : [server, .. others],
                    ApiKey = key,
                    Fleet = fleet,
                    Node = $"{prefix}{index:000}",
                    TrustRoot = JsonSerializer.Deserialize<TrustRoot>(bundles.RootJson, PolicyJson.Options),
                    Transport = agents._transport,
                },
                deadline.Token));
        }

        await Task.WhenAll(agents._nodes.Select(node => node.WaitUntilServingAsync(deadline.Token)));
        agents._asking = Task.Run(agents.AskAsync, CancellationToken.None);
        return agents;
    }

    /// <summary>Waits until every agent serves, or every agent denies as stale. How long that took.</summary>
    public async Task<TimeSpan> AllAsync(bool serve, TimeSpan within)
    {
        var began = Stopwatch.GetTimestamp();
        while (!_nodes.All(node => Ask(node) == (serve ? null : "decide.stale")))
        {
            var passed = Stopwatch.GetElapsedTime(began);
            Assert.True(passed < within, $"After {passed.TotalSeconds:0.0} s: {string.Join(", ", _nodes.Select(node => $"{node.Name} {Ask(node) ?? "serves"}"))}");
            await Task.Delay(10);
        }

        return Stopwatch.GetElapsedTime(began);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _asking;
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask()));
        _transport.Dispose();
        _stopping.Dispose();
    }

    // Null: allowed, as every version of the test bundles says.
    private static string? Ask(PolicyNode node)
    {
        var answer = node.Decide("orders.read", Nothing);
        return answer.Allowed ? null : answer.Decision.Reason;
    }

    private async Task AskAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            foreach (var node in _nodes)
            {
                if (Ask(node) is { } reason)
                {
                    _denials.Enqueue($"{node.Name}: {reason}");
                }
            }

            await Task.Delay(25, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
