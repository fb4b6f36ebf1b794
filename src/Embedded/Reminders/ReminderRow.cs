namespace Orleans.Runtime;

/// <summary>A reminder as it is stored.</summary>
internal sealed record ReminderRow(GrainId GrainId, string ReminderName, DateTime StartAt, TimeSpan Period, string ETag) : IGrainReminder;
