using System.Globalization;

namespace OrleansPolicy.Client;

/// <summary>
/// Files of lines in a folder: <c>decisions.ndjson</c> is written, older ones carry the moment they were closed. They are bounded by
/// size and number, so that a log never fills a disk.
/// </summary>
internal sealed class LogFiles : ILogDestination
{
    private const string Current = "decisions.ndjson";

    private readonly DecisionLogOptions _options;
    private readonly string _folder;
    private readonly TimeProvider _time;
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

    public void Dispose() => _open?.Dispose();

    private FileStream Open()
    {
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
        var closed = _time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss.fffffff'Z'", CultureInfo.InvariantCulture);
        File.Move(Path.Combine(_folder, Current), Path.Combine(_folder, $"decisions-{closed}.ndjson"), overwrite: false);
        foreach (var old in new DirectoryInfo(_folder).EnumerateFiles("decisions-*.ndjson").OrderByDescending(file => file.Name, StringComparer.Ordinal).Skip(_options.FilesMax - 1).ToList())
        {
            old.Delete();
        }
    }
}
