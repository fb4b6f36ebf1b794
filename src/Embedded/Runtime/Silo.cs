using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>A host of activations.</summary>
internal sealed class Silo : Participant
{
    private static int s_generation;

    private readonly ConcurrentDictionary<Activation, bool> _activations = new();
    private readonly ConcurrentDictionary<GrainId, WorkerPool> _workers = new();
    private readonly GrainCollectionOptions _collection;
    private readonly ITimer _collector;
    private ReminderService? _reminders;
    private long _lastActivation;

    public Silo(Cluster cluster, IServiceProvider services)
        : base(
            cluster,
            services.GetRequiredService<IOptions<SiloOptions>>().Value.SiloName,
            services,
            services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value)
    {
        _collection = services.GetRequiredService<IOptions<GrainCollectionOptions>>().Value;
        MaxForwardCount = services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.MaxForwardCount;
        ServiceId = services.GetRequiredService<IOptions<ClusterOptions>>().Value.ServiceId;
        Logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Orleans.Silo");
        Clock = TimeFor(TimeProviderNames.ActivationManagement);
        GrainTime = TimeFor(TimeProviderNames.Grains);
        _collector = Clock.CreateTimer(_ => Collect(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Told apart from every other silo of this process by its generation.</summary>
    public SiloAddress Address { get; } = SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 0), Interlocked.Increment(ref s_generation));

    public string ServiceId { get; }

    public ILogger Logger { get; }

    /// <summary>Measures idleness and how long activation takes.</summary>
    public TimeProvider Clock { get; }

    /// <summary>What grains' timers go by.</summary>
    public TimeProvider GrainTime { get; }

    public TimeSpan ActivationTimeout => _collection.ActivationTimeout;

    public TimeSpan DeactivationTimeout => _collection.DeactivationTimeout;

    public int MaxForwardCount { get; }

    /// <summary>Null: none is configured.</summary>
    public ReminderService? Reminders => _reminders ??= Services.GetService<ReminderService>();

    /// <summary>Whether it only ends what it has.</summary>
    public bool IsDraining { get; private set; }

    public TimeSpan CollectionAgeOf(GrainClass grainClass) =>
        grainClass.CollectionAge
            ?? (_collection.ClassSpecificCollectionAge.TryGetValue(grainClass.Type.FullName!, out var age) ? age : _collection.CollectionAge);

    public WorkerPool WorkersOf(GrainId id, GrainClass grainClass) =>
        _workers.GetOrAdd(id, static (id, self) => new WorkerPool(self.Silo, id, self.Class), (Silo: this, Class: grainClass));

    /// <summary>Makes an activation live. False: this silo takes none any more.</summary>
    public bool Start(Activation activation)
    {
        activation.Number = Interlocked.Increment(ref _lastActivation);
        _activations[activation] = true;
        if (IsGone || IsDraining)
        {
            _activations.TryRemove(activation, out _);
            return false;
        }

        activation.Start();
        return true;
    }

    public void Forget(Activation activation)
    {
        _activations.TryRemove(activation, out _);
        Cluster.Unregister(activation);
        if (_workers.TryGetValue(activation.GrainId, out var pool))
        {
            pool.Remove(activation);
        }
    }

    /// <summary>Opens its storages, then takes activations.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Check();
        foreach (var part in Services.GetServices<ISiloPart>())
        {
            await part.StartAsync(cancellationToken);
        }

        _collector.Change(_collection.CollectionQuantum, _collection.CollectionQuantum);
        Cluster.Join(this);
    }

    /// <summary>Lets running calls end and every grain say goodbye, as far as time allows; then disappears.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (IsGone)
        {
            return;
        }

        IsDraining = true;
        Cluster.Drain(this);
        var reason = new DeactivationReason(DeactivationReasonCode.ShuttingDown, $"{Name} is stopping.");
        foreach (var activation in InOrder())
        {
            activation.Deactivate(reason, cancellationToken);
        }

        try
        {
            await Task.WhenAll(_activations.Keys.Select(activation => activation.Deactivated)).WaitAsync(DeactivationTimeout, Clock, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // What has not ended by now ends as in a crash.
        }

        Close();
    }

    public override void Disappear()
    {
        if (IsGone)
        {
            return;
        }

        IsDraining = true;
        Cluster.Drain(this);
        _collector.Dispose();
        foreach (var activation in InOrder())
        {
            activation.Vanish();
        }

        base.Disappear();
    }

    private void Check()
    {
        // Collected once a quantum, nothing could live for less.
        if (_collection.CollectionAge <= _collection.CollectionQuantum)
        {
            throw new OrleansConfigurationException(
                $"CollectionAge {_collection.CollectionAge} must be greater than CollectionQuantum {_collection.CollectionQuantum}.");
        }

        foreach (var grainClass in GrainClasses.All)
        {
            if (grainClass.CollectionAge <= _collection.CollectionQuantum)
            {
                throw new OrleansConfigurationException(
                    $"CollectionAgeLimit {grainClass.CollectionAge} of {grainClass.Type} must be greater than CollectionQuantum {_collection.CollectionQuantum}.");
            }
        }
    }

    /// <summary>Oldest first: in an order of its own making a seeded run would not repeat itself.</summary>
    private IEnumerable<Activation> InOrder() => _activations.Keys.OrderBy(activation => activation.Number);

    private void Collect()
    {
        foreach (var activation in InOrder())
        {
            activation.CollectIfIdle();
        }
    }
}
