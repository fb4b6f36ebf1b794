using System.Threading.Channels;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// Brings reloads to the nodes' grains at a bounded rate. When ten thousand nodes reload at once their history may wait a few
/// seconds; their acknowledgements may not, and both need the same database.
/// </summary>
internal sealed class ReloadOutbox(
    IGrainFactory grains, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<ReloadOutbox> logger) : BackgroundService
{
    /// <summary>The most that wait; beyond it the oldest is lost, which costs an entry of a history of ten.</summary>
    public const int WaitingMax = 20_000;

    private const int GroupMax = 50;
    private static readonly TimeSpan GroupEvery = TimeSpan.FromMilliseconds(100);

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>Hands one in.</summary>
    public void Add(string tenant, string fleet, string node, ReloadRecord reload, long epoch) =>
        _items.Writer.TryWrite(new Item(tenant, fleet, node, reload, epoch));

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _items.Reader.WaitToReadAsync(stoppingToken))
        {
            var group = new List<Task>(GroupMax);
            while (group.Count < GroupMax && _items.Reader.TryRead(out var item))
            {
                group.Add(SendAsync(item));
            }

            await Task.WhenAll(group);
            await Task.Delay(GroupEvery, clock, stoppingToken);
        }
    }

    private async Task SendAsync(Item item)
    {
        try
        {
            await grains.Node(item.Tenant, item.Fleet, item.Node).RecordReloadAsync(item.Reload, item.Epoch);
        }
#pragma warning disable CA1031 // One lost entry of a history; the next report carries on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogInformation(exception, "A reload of node {Node} could not be noted.", item.Node);
        }
    }

    private sealed record Item(string Tenant, string Fleet, string Node, ReloadRecord Reload, long Epoch);
}
