namespace Orleans.Runtime;

/// <summary>Where reminders of one service are stored.</summary>
internal interface IReminderRows
{
    Task<IReadOnlyList<ReminderRow>> ReadAllAsync();

    Task<IReadOnlyList<ReminderRow>> ReadAsync(GrainId grainId);

    Task<ReminderRow?> ReadAsync(GrainId grainId, string name);

    /// <summary>Writes a row, over whatever was there; answers its new tag.</summary>
    Task<string> UpsertAsync(ReminderRow row);

    /// <summary>False: the row is not the one with this tag.</summary>
    Task<bool> RemoveAsync(GrainId grainId, string name, string etag);
}
