namespace OrleansPolicy.Embedded.Tests.Deterministic;

[Alias("test.deterministic")]
public interface IDeterministicGrain : IGrainWithStringKey
{
    Task StartAsync(string neighbour);

    Task<int> WorkAsync(TimeSpan duration);

    Task<string> CountAsync();
}

[KeepAlive]
public sealed class DeterministicGrain(
    TimeProvider time, [PersistentState("deterministic", "chosen")] IPersistentState<Counts> counts) : Grain, IDeterministicGrain, IRemindable
{
    private int _ticks;

    public async Task StartAsync(string neighbour)
    {
        counts.State.Neighbour = neighbour;
        await counts.WriteStateAsync();
        this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)) { KeepAlive = true });
        await this.RegisterOrUpdateReminder("hourly", TimeSpan.FromMinutes(30), TimeSpan.FromHours(1));
    }

    public async Task<int> WorkAsync(TimeSpan duration)
    {
        await Task.Delay(duration, time);
        counts.State.Worked++;
        await counts.WriteStateAsync();
        return counts.State.Worked;
    }

    public Task<string> CountAsync() => Task.FromResult($"{counts.State.Worked} worked, {counts.State.Reminded} reminded, {_ticks} ticks");

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        counts.State.Reminded++;
        await counts.WriteStateAsync();
    }

    private async Task TickAsync()
    {
        _ticks++;
        if (_ticks % 10 == 0)
        {
            await GrainFactory.GetGrain<IDeterministicGrain>(counts.State.Neighbour).CountAsync();
        }
    }
}

public sealed class Counts
{
    public int Worked { get; set; }

    public int Reminded { get; set; }

    public string Neighbour { get; set; } = "";
}
