using System.Collections.Concurrent;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.life")]
public interface ILifeGrain : IGrainWithStringKey
{
    Task<string> WhoAsync();

    Task EndAsync();

    /// <summary>Asks to end, then stays in the call.</summary>
    Task EndAndEnterAsync(string gate);

    Task StayAsync(TimeSpan span);

    Task EnterAsync(string gate);
}

/// <summary>With a short idle age, so that tests see it collected.</summary>
[Alias("test.short-life")]
public interface IShortLifeGrain : ILifeGrain;

[Alias("test.kept-life")]
public interface IKeptLifeGrain : ILifeGrain;

[Alias("test.failing-life")]
public interface IFailingLifeGrain : ILifeGrain;

/// <summary>Notes what happens to its activations, by key.</summary>
public abstract class LifeGrainOf : Grain, ILifeGrain
{
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<string>> s_events = new();

    private readonly string _life = Guid.NewGuid().ToString("N");

    public static IReadOnlyCollection<string> EventsOf(string key) => s_events.GetOrAdd(key, _ => new ConcurrentQueue<string>());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Note("activated");
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Note($"deactivated: {reason.ReasonCode}");
        return Task.CompletedTask;
    }

    public Task<string> WhoAsync()
    {
        Note("called");
        return Task.FromResult(_life);
    }

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task EndAndEnterAsync(string gate)
    {
        DeactivateOnIdle();
        return Gate.Named(gate).PassAsync();
    }

    public Task StayAsync(TimeSpan span)
    {
        DelayDeactivation(span);
        return Task.CompletedTask;
    }

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    protected void Note(string what) => s_events.GetOrAdd(this.GetPrimaryKeyString(), _ => new ConcurrentQueue<string>()).Enqueue(what);
}

public sealed class LifeGrain : LifeGrainOf;

[CollectionAgeLimit("00:00:01")]
public sealed class ShortLifeGrain : LifeGrainOf, IShortLifeGrain;

[KeepAlive]
public sealed class KeptLifeGrain : LifeGrainOf, IKeptLifeGrain;

public sealed class FailingLifeGrain : LifeGrainOf, IFailingLifeGrain
{
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        await base.OnActivateAsync(cancellationToken);
        if (EventsOf(this.GetPrimaryKeyString()).Count(e => e == "activated") == 1)
        {
            throw new InvalidOperationException("not today");
        }
    }
}
