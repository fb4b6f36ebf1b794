using System.Collections.Concurrent;
using System.Collections.Immutable;
using Orleans.Embedded;
using Orleans.Placement;

namespace Orleans.Runtime;

/// <summary>
/// The silos and clients that know each other, and where every activation and observer is. All in one process: there is no
/// network, and who has crashed is known at once.
/// </summary>
internal sealed class Cluster(EngineSources sources)
{
    private const string ObserverType = "sys.client";
    private static readonly GrainType s_observerType = GrainType.Create(ObserverType);

    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private readonly ConcurrentDictionary<GrainId, ObserverTarget> _observers = new();
    private ImmutableArray<Silo> _silos = [];
    private ImmutableArray<Participant> _participants = [];
    private int _lastObserver;

    /// <summary>A silo has come or is going.</summary>
    public event Action? SilosChanged;

    public EngineSources Sources => sources;

    /// <summary>Those that run, oldest first.</summary>
    public ImmutableArray<Silo> Silos => _silos;

    /// <summary>What memory providers keep; it outlives single silos, not the cluster.</summary>
    public ConcurrentDictionary<string, object> Memory { get; } = new();

    public void Join(Participant participant)
    {
        ImmutableInterlocked.Update(ref _participants, all => all.Add(participant));
        if (participant is Silo silo)
        {
            ImmutableInterlocked.Update(ref _silos, all => all.Add(silo));
            SilosChanged?.Invoke();
        }
    }

    /// <summary>No new activations go there; those that are there stay.</summary>
    public void Drain(Silo silo)
    {
        if (ImmutableInterlocked.Update(ref _silos, all => all.Remove(silo)))
        {
            SilosChanged?.Invoke();
        }
    }

    public void Leave(Participant participant)
    {
        ImmutableInterlocked.Update(ref _participants, all => all.Remove(participant));
        foreach (var (id, observer) in _observers)
        {
            if (observer.Home == participant)
            {
                RemoveObserver(id);
            }
        }

        foreach (var other in _participants)
        {
            Task.Factory.StartNew(
                () => FailCalls(other, participant), CancellationToken.None, TaskCreationOptions.None, other.Scheduler);
        }
    }

    public CallTarget Find(GrainId id, Participant caller)
    {
        if (_activations.TryGetValue(id, out var activation))
        {
            return activation;
        }

        if (id.Type == s_observerType)
        {
            return FindObserver(id);
        }

        var grainClass = GrainClasses.Find(id.Type) ?? throw new ArgumentException($"No class of this process has the grain type of {id}.");
        while (true)
        {
            var silo = Place(id, grainClass, caller);
            if (grainClass.MaxLocalWorkers is not null)
            {
                return silo.WorkersOf(id, grainClass);
            }

            var created = new Activation(silo, grainClass, id);
            var registered = _activations.GetOrAdd(id, created);
            if (registered != created)
            {
                return registered;
            }

            if (silo.Start(created))
            {
                return created;
            }

            Unregister(created);
        }
    }

    public void Unregister(Activation activation) =>
        _activations.TryRemove(new KeyValuePair<GrainId, Activation>(activation.GrainId, activation));

    public Activation? Registered(GrainId id) => _activations.GetValueOrDefault(id);

    public GrainId AddObserver(IGrainObserver observer, Participant home)
    {
        var id = GrainId.Create(s_observerType, $"{home.Name}+{Interlocked.Increment(ref _lastObserver)}");
        _observers[id] = new ObserverTarget(id, observer, home);
        return id;
    }

    public void RemoveObserver(GrainId id)
    {
        if (_observers.TryRemove(id, out var observer))
        {
            observer.Delete();
        }
    }

    private static void FailCalls(Participant caller, Participant gone)
    {
        foreach (var call in caller.Pending.To(gone))
        {
            call.Fail(gone is Silo
                ? new SiloUnavailableException($"The silo of {call} became unavailable.")
                : new ClientNotAvailableException($"The client of {call} became unavailable."));
        }
    }

    private ObserverTarget FindObserver(GrainId id)
    {
        if (_observers.TryGetValue(id, out var observer))
        {
            return observer;
        }

        var owner = id.Key.ToString().Split('+')[0];
        return _participants.FirstOrDefault(participant => participant.Name == owner) is { } home
            ? new ObserverTarget(id, null, home)
            : throw new ClientNotAvailableException($"No client of this cluster has the observer {id}.");
    }

    private Silo Place(GrainId id, GrainClass grainClass, Participant caller)
    {
        var silos = _silos;
        if (silos.IsEmpty)
        {
            throw new SiloUnavailableException("No silo of this cluster is running.");
        }

        var local = grainClass.MaxLocalWorkers is not null || grainClass.Placement is PreferLocalPlacementAttribute;
        if (silos.Length == 1 || (local && caller is Silo silo && silos.Contains(silo)))
        {
            return silos.Length == 1 ? silos[0] : (Silo)caller;
        }

        return grainClass.Placement is HashBasedPlacementAttribute
            ? silos[(int)(id.GetUniformHashCode() % (uint)silos.Length)]
            : silos[sources.Random.Next(silos.Length)];
    }
}
