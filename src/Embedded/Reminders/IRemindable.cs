using Orleans.Runtime;

namespace Orleans;

/// <summary>A grain that reminders wake. Calls come at least once for each tick that falls while a silo runs.</summary>
public interface IRemindable : IGrain
{
    Task ReceiveReminder(string reminderName, TickStatus status);
}
