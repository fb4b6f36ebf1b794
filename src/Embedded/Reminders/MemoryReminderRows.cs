using System.Collections.Concurrent;
using System.Globalization;

namespace Orleans.Runtime;

/// <summary>Reminders that live as long as the cluster.</summary>
internal sealed class MemoryReminderRows(Cluster cluster) : IReminderRows
{
    private static long s_lastETag;

    private readonly ConcurrentDictionary<(GrainId, string), ReminderRow> _rows =
        (ConcurrentDictionary<(GrainId, string), ReminderRow>)cluster.Memory.GetOrAdd(
            "reminders", _ => new ConcurrentDictionary<(GrainId, string), ReminderRow>());

    public Task<IReadOnlyList<ReminderRow>> ReadAllAsync() => Task.FromResult<IReadOnlyList<ReminderRow>>([.. InOrder()]);

    public Task<IReadOnlyList<ReminderRow>> ReadAsync(GrainId grainId) =>
        Task.FromResult<IReadOnlyList<ReminderRow>>([.. InOrder().Where(row => row.GrainId == grainId)]);

    public Task<ReminderRow?> ReadAsync(GrainId grainId, string name) => Task.FromResult(_rows.GetValueOrDefault((grainId, name)));

    public Task<string> UpsertAsync(ReminderRow row)
    {
        var etag = Interlocked.Increment(ref s_lastETag).ToString(CultureInfo.InvariantCulture);
        _rows[(row.GrainId, row.ReminderName)] = row with { ETag = etag };
        return Task.FromResult(etag);
    }

    public Task<bool> RemoveAsync(GrainId grainId, string name, string etag) => Task.FromResult(
        _rows.TryGetValue((grainId, name), out var row) && row.ETag == etag
        && _rows.TryRemove(new KeyValuePair<(GrainId, string), ReminderRow>((grainId, name), row)));

    /// <summary>The dictionary's own order differs from process to process.</summary>
    private IEnumerable<ReminderRow> InOrder() => _rows.Values.OrderBy(row => row.GrainId).ThenBy(row => row.ReminderName, StringComparer.Ordinal);
}
