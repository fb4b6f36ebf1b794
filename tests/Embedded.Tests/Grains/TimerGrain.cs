using System.Collections.Concurrent;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.timer")]
public interface ITimerGrain : IGrainWithStringKey
{
    Task StartAsync(TimeSpan dueTime, TimeSpan period, bool interleave, bool keepAlive);

    Task ChangeAsync(TimeSpan dueTime, TimeSpan period);

    Task StopAsync();

    Task EnterAsync(string gate);

    /// <summary>The callbacks throw from now on.</summary>
    Task BreakAsync();

    Task EndAsync();

    Task<bool> StrangersMayNotStartOneAsync();
}

[CollectionAgeLimit("00:00:01")]
public sealed class TimerGrain : Grain, ITimerGrain
{
    private static readonly ConcurrentDictionary<string, int> s_ticks = new();
    private static readonly ConcurrentDictionary<string, string> s_ends = new();

    private IGrainTimer? _timer;
    private bool _broken;

    public static int TicksOf(string key) => s_ticks.GetValueOrDefault(key);

    public static bool HasEnded(string key) => s_ends.ContainsKey(key);

    public Task StartAsync(TimeSpan dueTime, TimeSpan period, bool interleave, bool keepAlive)
    {
        _timer = this.RegisterGrainTimer(
            static (grain, _) => grain.TickAsync(),
            this,
            new GrainTimerCreationOptions { DueTime = dueTime, Period = period, Interleave = interleave, KeepAlive = keepAlive });
        return Task.CompletedTask;
    }

    public Task ChangeAsync(TimeSpan dueTime, TimeSpan period)
    {
        _timer!.Change(dueTime, period);
        return Task.CompletedTask;
    }

    public Task StopAsync()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    public Task EnterAsync(string gate) => Gate.Named(gate).PassAsync();

    public Task BreakAsync()
    {
        _broken = true;
        return Task.CompletedTask;
    }

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task<bool> StrangersMayNotStartOneAsync()
    {
        try
        {
            await Task.Run(() => this.RegisterGrainTimer(() => Task.CompletedTask, TimeSpan.Zero, TimeSpan.Zero));
            return false;
        }
        catch (Exception exception) when (exception is not NullReferenceException)
        {
            return true;
        }
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        s_ends[this.GetPrimaryKeyString()] = reason.ReasonCode.ToString();
        return Task.CompletedTask;
    }

    private async Task TickAsync()
    {
        await Task.Yield();
        s_ticks.AddOrUpdate(this.GetPrimaryKeyString(), 1, static (_, ticks) => ticks + 1);
        if (_broken)
        {
            throw new InvalidOperationException("a broken timer");
        }
    }
}
