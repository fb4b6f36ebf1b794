using Orleans.Embedded;

namespace Orleans.Runtime;

/// <summary>An object outside of grains that grains may call. It is held weakly; once it is collected, calls to it vanish.</summary>
internal sealed class ObserverTarget(GrainId id, IGrainObserver? observer, Participant home)
    : SerialTarget(new TurnScheduler(id.ToString(), home.Cluster.Sources.Turns))
{
    private readonly WeakReference<IGrainObserver>? _observer = observer is null ? null : new(observer);
    private volatile bool _deleted;

    public override Participant Home => home;

    public override object Instance =>
        _observer is not null && _observer.TryGetTarget(out var observer) ? observer : throw new ObjectDisposedException(id.ToString());

    protected override bool Open => true;

    protected override bool Gone => home.IsGone;

    public void Delete() => _deleted = true;

    public override bool TryDeliver(GrainCall call)
    {
        // A call to an observer that is no more is lost, as a message would be.
        call.Target = this;
        return _deleted || _observer is null || !_observer.TryGetTarget(out _) || TryAdd(call);
    }
}
