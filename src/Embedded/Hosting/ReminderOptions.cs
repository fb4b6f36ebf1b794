namespace Orleans.Hosting;

/// <summary>How the reminder service works.</summary>
public sealed class ReminderOptions
{
    /// <summary>A shorter period is refused.</summary>
    public TimeSpan MinimumReminderPeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the table is read for what others changed.</summary>
    public TimeSpan RefreshReminderListPeriod { get; set; } = TimeSpan.FromMinutes(5);

    public TimeSpan InitializationTimeout { get; set; } = TimeSpan.FromMinutes(5);
}
