namespace Orleans.Reminders;

/// <summary>The key of the reminders' own <see cref="TimeProvider"/>, where one is registered.</summary>
public static class ReminderTimeProviderNames
{
    public const string Reminders = "Orleans.Reminders";
}
