using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Embedded;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>A silo or a client: who makes calls and owns observers.</summary>
internal abstract class Participant
{
    private volatile bool _gone;
    private volatile bool _closed;
    private readonly CallTraces? _traces;

    protected Participant(Cluster cluster, string name, IServiceProvider services, MessagingOptions messaging)
    {
        Cluster = cluster;
        Name = name;
        Services = services;
        ResponseTimeout = messaging.ResponseTimeout;
        Copier = GrainCopier.From(services);
        _traces = services.GetService<CallTraces>();
        Scheduler = new TurnScheduler($"calls/{name}", cluster.Sources.Turns);
        Pending = new PendingCalls(TimeFor(TimeProviderNames.Messaging), Scheduler);
    }

    public Cluster Cluster { get; }

    public string Name { get; }

    public IServiceProvider Services { get; }

    public TimeSpan ResponseTimeout { get; }

    /// <summary>Null: arguments and results are handed over as they are.</summary>
    public GrainCopier? Copier { get; }

    public PendingCalls Pending { get; }

    /// <summary>For what happens to calls besides being answered: they run out of time or lose their silo.</summary>
    public TurnScheduler Scheduler { get; }

    /// <summary>Whether it has crashed or was stopped for good.</summary>
    public bool IsGone => _gone;

    public TimeProvider TimeFor(string area) =>
        (Services as IKeyedServiceProvider)?.GetKeyedService(typeof(TimeProvider), area) as TimeProvider
            ?? Services.GetService<TimeProvider>() ?? TimeProvider.System;

    public object ReferenceTo(GrainId id, Type interfaceType) => GrainReference.Create(GrainInterface.Of(interfaceType), id, this);

    public object? Call(GrainReference reference, GrainMethod method, object?[] arguments)
    {
        if (Copier is not null)
        {
            method.Copy(arguments, Copier);
        }

        var call = method.NewCall(reference.GrainId, arguments, this);
        _traces?.Mark(call);
        if (!method.OneWay)
        {
            Pending.Add(call, method.ResponseTimeout ?? ResponseTimeout);
        }

        if (method.CancellationIndex >= 0)
        {
            call.LinkCancellation();
        }

        if (!call.Abandoned)
        {
            Send(call, reference);
        }

        return method.OneWay ? method.Done : call.Promise;
    }

    /// <summary>Delivers a call that met nobody where it went first.</summary>
    public void Forward(GrainCall call, int limit)
    {
        if (++call.Forwards > limit)
        {
            call.Fail(new OrleansMessageRejectionException($"{call} was forwarded {limit} times and met no activation that takes it."));
            return;
        }

        Send(call, reference: null);
    }

    /// <summary>A crash: nothing that it started is heard of any more; others' calls that wait on it fail.</summary>
    public virtual void Disappear()
    {
        _gone = true;
        Pending.Dispose();
        Cluster.Leave(this);
    }

    /// <summary>An orderly end: its own calls fail too, since their callers may go on.</summary>
    protected void Close()
    {
        _closed = true;
        Disappear();
        Task.Factory.StartNew(
            () => Pending.All().ForEach(call => call.Fail(Stopped(call))), CancellationToken.None, TaskCreationOptions.None, Scheduler);
    }

    private void Send(GrainCall call, GrainReference? reference)
    {
        if (_gone)
        {
            // Of one that has crashed nothing leaves, and nobody listens for the answer.
            if (_closed)
            {
                call.Fail(Stopped(call));
            }

            return;
        }

        if (reference?.LastTarget is { } last && last.Takes(this) && last.TryDeliver(call))
        {
            return;
        }

        try
        {
            CallTarget target;
            do
            {
                target = Cluster.Find(call.TargetId, this);
            }
            while (!target.TryDeliver(call));
            reference?.LastTarget = target;
        }
        catch (Exception exception) when (exception is OrleansException or ArgumentException)
        {
            call.Fail(exception);
        }
    }

    private SiloUnavailableException Stopped(GrainCall call) => new($"{Name} has stopped and makes no calls any more: {call}.");
}
