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
    private const int TriesMax = 100;
    private static readonly TimeSpan GroupEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    private readonly Channel<Item> _items = Channel.CreateBounded<Item>(
        new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>Hands one in.</summary>
    public void Add(string tenant, string fleet, string node, ReloadRecord reload, long epoch) =>
        _items.Writer.TryWrite(new Item(tenant, fleet, node, reload, epoch, Tries: 1));

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var groupMax = GroupMax;
        while (await _items.Reader.WaitToReadAsync(stoppingToken))
        {
            var group = new List<Task<bool>>(groupMax);
            while (group.Count < groupMax && _items.Reader.TryRead(out var item))
            {
                group.Add(SendAsync(item));
            }

            // A database that is away fails them all: one at a time is enough to see when it is back.
            var sent = (await Task.WhenAll(group)).All(isSent => isSent);
            groupMax = sent ? GroupMax : 1;
            await Task.Delay(sent ? GroupEvery : RetryEvery, clock, stoppingToken);
        }
    }

    private async Task<bool> SendAsync(Item item)
    {
        try
        {
            await grains.Node(item.Tenant, item.Fleet, item.Node).RecordReloadAsync(item.Reload, item.Epoch);
            return true;
        }
#pragma warning disable CA1031 // Whatever it was, it may be over in a while; after that it is one lost entry of a history.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogInformation(exception, "A reload of node {Node} could not be noted.", item.Node);
            if (item.Tries < TriesMax)
            {
                _items.Writer.TryWrite(item with { Tries = item.Tries + 1 });
            }

            return false;
        }
    }

    private sealed record Item(string Tenant, string Fleet, string Node, ReloadRecord Reload, long Epoch, int Tries);
}
