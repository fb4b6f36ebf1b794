using System.Collections.Immutable;
using System.Text.Json;
using System.Threading.Channels;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Events;

/// <summary>
/// The tenants of which somebody in this silo follows the events. What is audited is read from the chain, where it is in order and
/// complete; what nobody keeps comes as news. However many follow a tenant, its chain has one reader here, and the tenant one listener.
/// </summary>
public sealed class EventStreams(
    IAuditStore audit, IGrainFactory grains, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<EventStreams> logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TenantFollower> _tenants = new(StringComparer.Ordinal);

    /// <summary>Begins to follow; what is audited from the tenant's newest entry on.</summary>
    public async Task<EventSubscription> FollowAsync(string tenant, CancellationToken cancellationToken)
    {
        var subscription = new EventSubscription();
        var head = (await audit.ReadHeadAsync(tenant, cancellationToken)).Seq;
        lock (_gate)
        {
            if (!_tenants.TryGetValue(tenant, out var follower))
            {
                _tenants[tenant] = follower = new TenantFollower(tenant, head, audit, grains, clock, logger);
            }

            subscription.After = follower.Add(subscription);
            subscription.Left = () => Leave(tenant, follower, subscription);
        }

        return subscription;
    }

    /// <summary>An entry of the audit as an event.</summary>
    public static StreamedEvent Of(AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return new StreamedEvent(entry.Draft.Action, JsonSerializer.SerializeToUtf8Bytes(AuditEntryView.Of(entry), PolicyJson.Options), entry.Seq);
    }

    private void Leave(string tenant, TenantFollower follower, EventSubscription subscription)
    {
        lock (_gate)
        {
            if (follower.Remove(subscription) && _tenants.GetValueOrDefault(tenant) == follower)
            {
                _tenants.Remove(tenant);
                follower.Dispose();
            }
        }
    }
}

/// <summary>One event on its way to a reader.</summary>
/// <param name="Name">What happened: an action of the audit, or <c>rejection</c>.</param>
/// <param name="Json">One line of JSON.</param>
/// <param name="Seq">Its place in the audit; null: it is not audited.</param>
public sealed record StreamedEvent(string Name, ReadOnlyMemory<byte> Json, long? Seq);

/// <summary>One reader's events. A reader that does not keep up is cut off, and told so: a stream with holes would look like one without.</summary>
public sealed class EventSubscription : IDisposable
{
    /// <summary>The most events that wait for a reader.</summary>
    public const int WaitingMax = 1_000;

    private readonly Channel<StreamedEvent> _events = Channel.CreateBounded<StreamedEvent>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true });

    /// <summary>What comes, until the reader was too slow.</summary>
    public ChannelReader<StreamedEvent> Events => _events.Reader;

    /// <summary>What is audited after this entry comes here.</summary>
    public long After { get; internal set; }

    internal Action Left { get; set; } = () => { };

    /// <inheritdoc/>
    public void Dispose() => Left();

    internal void Give(StreamedEvent happened)
    {
        if (!_events.Writer.TryWrite(happened))
        {
            _events.Writer.TryComplete();
        }
    }
}
