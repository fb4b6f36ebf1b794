using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace OrleansPolicy.Embedded.Tests.Grains;

[Alias("test.reminder")]
public interface IReminderGrain : IGrainWithStringKey
{
    Task RegisterAsync(string name, TimeSpan dueTime, TimeSpan period);

    Task UnregisterAsync(string name);

    Task<bool> HasAsync(string name);

    Task<ImmutableArray<string>> ListAsync();

    Task EndAsync();
}

public sealed class ReminderGrain : Grain, IReminderGrain, IRemindable
{
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<(string Name, TickStatus Status, string Life)>> s_ticks = new();

    private readonly string _life = Guid.NewGuid().ToString("N");

    public static IReadOnlyCollection<(string Name, TickStatus Status, string Life)> TicksOf(string key) => s_ticks.GetOrAdd(key, _ => new());

    public Task RegisterAsync(string name, TimeSpan dueTime, TimeSpan period) => this.RegisterOrUpdateReminder(name, dueTime, period);

    public async Task UnregisterAsync(string name)
    {
        if (await this.GetReminder(name) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    public async Task<bool> HasAsync(string name) => await this.GetReminder(name) is { } reminder && reminder.ReminderName == name;

    public async Task<ImmutableArray<string>> ListAsync() => [.. (await this.GetReminders()).Select(reminder => reminder.ReminderName).Order()];

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        s_ticks.GetOrAdd(this.GetPrimaryKeyString(), _ => new()).Enqueue((reminderName, status, _life));
        return Task.CompletedTask;
    }
}
