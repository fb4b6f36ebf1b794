namespace OrleansPolicy.Client;

/// <summary>
/// Batches from disk: whatever comes into the queue is written into a folder at once, and leaves it when it is put away. While the
/// folder is full or the disk refuses, the queue fills, and then counts what finds no room.
/// </summary>
internal sealed class SpillSource : ILogSource
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly SpillFolder _folder;
    private readonly RecordQueue _queue;
    private readonly DecisionLogOptions _options;
    private readonly TimeProvider _time;
    private readonly Wakeup _closed;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _writing;
    private long _openSince;

    public SpillSource(SpillFolder folder, RecordQueue queue, DecisionLogOptions options, TimeProvider time)
    {
        _folder = folder;
        _queue = queue;
        _options = options;
        _time = time;
        _closed = new Wakeup(time);
        _writing = Task.Run(WriteAsync);
    }

    public long BytesOnDisk => _folder.Bytes;

    public async Task<LogBatch?> NextAsync(CancellationToken cancellationToken)
    {
        if (!_folder.HasClosed && !_stopping.IsCancellationRequested)
        {
            await _closed.SleepAsync(_options.BatchWait, cancellationToken);
        }

        return await _folder.OldestAsync(cancellationToken);
    }

    public void Done(LogBatch batch) => _folder.Delete(batch.Id);

    public async Task CompleteAsync()
    {
        await _stopping.CancelAsync();
        await _writing;
    }

    public async ValueTask DisposeAsync()
    {
        await CompleteAsync();
        _folder.Dispose();
        _stopping.Dispose();
    }

    private async Task WriteAsync()
    {
        ReadOnlyMemory<byte> left = default;
        while (true)
        {
            var isLast = _stopping.IsCancellationRequested;
            left = left.IsEmpty ? _queue.Take(LogBatch.BytesMax) : left;
            var wait = TryWrite(ref left) ? _options.BatchWait : AfterFailure;
            CloseWhenDue(isLast && _queue.Used == 0);
            if (isLast && (_queue.Used == 0 || !left.IsEmpty))
            {
                // What the disk refuses at the very end is lost, and counted.
                _queue.Lose(left.Span.Count((byte)'\n'));
                return;
            }

            if (!left.IsEmpty || _queue.Used == 0)
            {
                await _queue.SleepAsync(wait, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool TryWrite(ref ReadOnlyMemory<byte> lines)
    {
        if (lines.IsEmpty)
        {
            return true;
        }

        if (_folder.Bytes + lines.Length > _options.SpillBytesMax)
        {
            return false;
        }

        try
        {
            if (_folder.OpenBytes + lines.Length > LogBatch.BytesMax)
            {
                Close();
            }

            if (_folder.OpenBytes == 0)
            {
                _openSince = _time.GetTimestamp();
            }

            _folder.Append(lines.Span);
            lines = default;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void CloseWhenDue(bool atOnce)
    {
        if (_folder.OpenBytes > 0 && (atOnce || _folder.OpenBytes >= LogBatch.BytesMax / 2 || _time.GetElapsedTime(_openSince) >= _options.BatchWait))
        {
            Close();
        }
    }

    private void Close()
    {
        _folder.Close();
        _closed.Wake();
    }
}
