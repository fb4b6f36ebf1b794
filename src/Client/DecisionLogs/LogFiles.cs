using System.Globalization;

namespace OrleansPolicy.Client;

/// <summary>
/// Files of lines in a folder: <c>decisions.ndjson</c> is written, older ones carry the moment they were closed. They are bounded by
/// size and number, so that a log never fills a disk. Whoever comes second to a folder waits until the first has left it: each would
/// write over the other's lines.
/// </summary>
internal sealed class LogFiles : ILogDestination
{
    private const string Current = "decisions.ndjson";
    private const string ClosedAt = "'decisions-'yyyyMMdd'T'HHmmss.fffffff'Z.ndjson'";

    private readonly DecisionLogOptions _options;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private FileStream? _mine;
    private FileStream? _open;

    /// <exception cref="ArgumentException">The folder cannot be made.</exception>
    public LogFiles(DecisionLogOptions options, TimeProvider time)
    {
        _options = options;
        _folder = options.Folder!;
        _time = time;
        try
        {
            Directory.CreateDirectory(_folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"The folder {_folder} of the decision log cannot be used: {e.Message}", e);
        }
    }

    public async Task DeliverAsync(LogBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            if (_open is { Length: > 0 } full && full.Length + batch.Lines.Length > _options.FileBytesMax)
            {
                Turn();
            }

            _open ??= Open();
            var before = _open.Length;
            try
            {
                await _open.WriteAsync(batch.Lines, cancellationToken);
            }
            catch
            {
                // Nothing of a batch that will be written again.
                _open.SetLength(before);
                _open.Position = before;
                throw;
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public void Dispose()
    {
        _open?.Dispose();
        _mine?.Dispose();
    }

    private void Take()
    {
        try
        {
            _mine ??= FolderLock.Take(_folder);
        }
        catch (IOException e)
        {
            throw new IOException($"The folder {_folder} cannot be used, or another node uses it: {e.Message}", e);
        }
    }

    private FileStream Open()
    {
        Take();
        var file = new FileStream(
            Path.Combine(_folder, Current),
            new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, BufferSize = 0, Share = FileShare.Read });

        // A process that was killed may have left half a line.
        var end = file.Length;
        for (Span<byte> last = stackalloc byte[1]; end > 0; end--)
        {
            file.Position = end - 1;
            file.ReadExactly(last);
            if (last[0] == (byte)'\n')
            {
                break;
            }
        }

        file.SetLength(end);
        file.Position = end;
        return file;
    }

    private void Turn()
    {
        _open!.Dispose();
        _open = null;
        var older = Directory.GetFiles(_folder, "decisions-*.ndjson").Select(file => Path.GetFileName(file)).ToList();

        // The newest name however the clock was set meanwhile: the oldest names are deleted.
        var now = _time.GetUtcNow();
        var closed = older.Max(Moment) is { } newest && newest >= now ? newest.AddTicks(1) : now;
        var name = closed.ToString(ClosedAt, CultureInfo.InvariantCulture);
        File.Move(Path.Combine(_folder, Current), Path.Combine(_folder, name), overwrite: false);
        foreach (var old in older.Append(name).OrderDescending(StringComparer.Ordinal).Skip(_options.FilesMax - 1))
        {
            File.Delete(Path.Combine(_folder, old));
        }
    }

    // Null: a file that somebody else named.
    private static DateTimeOffset? Moment(string name) => DateTimeOffset.TryParseExact(
        name, ClosedAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var closed) ? closed : null;
}
