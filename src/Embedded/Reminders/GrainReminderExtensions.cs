using Orleans.Runtime;

namespace Orleans;

/// <summary>A grain's own reminders.</summary>
public static class GrainReminderExtensions
{
    /// <summary>Durable when the task completes. The grain must be <see cref="IRemindable"/>.</summary>
    public static Task<IGrainReminder> RegisterOrUpdateReminder(this IGrainBase grain, string reminderName, TimeSpan dueTime, TimeSpan period) =>
        grain is IRemindable
            ? ServiceOf(grain).RegisterOrUpdateAsync(grain.GrainContext.GrainId, reminderName, dueTime, period)
            : throw new InvalidOperationException($"{grain.GetType()} must implement IRemindable to have reminders.");

    public static Task UnregisterReminder(this IGrainBase grain, IGrainReminder reminder) => ServiceOf(grain).UnregisterAsync(reminder);

    /// <summary>Null: there is none of this name.</summary>
    public static Task<IGrainReminder?> GetReminder(this IGrainBase grain, string reminderName) =>
        ServiceOf(grain).GetAsync(grain.GrainContext.GrainId, reminderName);

    public static Task<List<IGrainReminder>> GetReminders(this IGrainBase grain) => ServiceOf(grain).GetAllAsync(grain.GrainContext.GrainId);

    private static ReminderService ServiceOf(IGrainBase grain)
    {
        var activation = (Activation)grain.GrainContext;
        activation.CheckAccess();
        return activation.Silo.Reminders
            ?? throw new OrleansException("No reminder service is configured: UseInMemoryReminderService or UseAdoNetReminderService.");
    }
}
