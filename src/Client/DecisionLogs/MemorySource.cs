using System.Globalization;

namespace OrleansPolicy.Client;

/// <summary>Batches straight from the queue.</summary>
internal sealed class MemorySource(RecordQueue queue, TimeSpan batchWait) : ILogSource
{
    private readonly string _boot = Guid.NewGuid().ToString("N");
    private volatile bool _completed;
    private long _batches;

    public long BytesOnDisk => 0;

    public async Task<LogBatch?> NextAsync(CancellationToken cancellationToken)
    {
        if (!_completed && !queue.IsDue)
        {
            await queue.SleepAsync(batchWait, cancellationToken);
        }

        var lines = queue.Take(LogBatch.BytesMax);
        return lines.Length == 0 ? null : new LogBatch($"{_boot}-{(++_batches).ToString(CultureInfo.InvariantCulture)}", lines);
    }

    public void Done(LogBatch batch)
    {
    }

    public Task CompleteAsync()
    {
        _completed = true;
        queue.Wake();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
