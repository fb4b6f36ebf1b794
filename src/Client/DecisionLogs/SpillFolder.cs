using System.Globalization;

namespace OrleansPolicy.Client;

/// <summary>
/// Files of lines, one after the other, each a batch: the name is its id, so that a batch which was sent just before the process was
/// killed is sent again under the same one. Written by one thread, read and deleted by another. What was asked of a node may be
/// personal: only its owner may read it here.
/// </summary>
internal sealed class SpillFolder : IDisposable
{
    private const string Extension = ".ndjson";

    private readonly Lock _lock = new();
    private readonly string _folder;
    private readonly FileStream _mine;
    private readonly LinkedList<Segment> _closed = [];
    private FileStream? _open;
    private string _openId = "";
    private long _next;
    private long _bytes;

    private SpillFolder(string folder, FileStream mine)
    {
        _folder = folder;
        _mine = mine;
    }

    /// <summary>Everything that lies there.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>How much is in the file that is being written.</summary>
    public long OpenBytes => _open?.Length ?? 0;

    /// <summary>Whether a file is ready to be read.</summary>
    public bool HasClosed
    {
        get
        {
            lock (_lock)
            {
                return _closed.Count > 0;
            }
        }
    }

    /// <summary>Takes the folder, with what an earlier process left in it.</summary>
    /// <exception cref="ArgumentException">It cannot be used, or another process does.</exception>
    public static SpillFolder Take(string path)
    {
        try
        {
            _ = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(path)
                : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var mine = FolderLock.Take(path);
            var folder = new SpillFolder(path, mine);
            folder.Find();
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"The spill folder {path} cannot be used, or another process uses it: {e.Message}", e);
        }
    }

    /// <summary>Appends lines; they survive the process from here on. After a failure nothing of them is there.</summary>
    /// <exception cref="IOException">The disk is full, say.</exception>
    public void Append(ReadOnlySpan<byte> lines)
    {
        if (_open is null)
        {
            _openId = $"{_next.ToString("D12", CultureInfo.InvariantCulture)}-{Guid.NewGuid():N}";
            _open = Create(PathOf(_openId));
            _next++;
        }

        var before = _open.Length;
        try
        {
            _open.Write(lines);
        }
        catch (IOException)
        {
            _open.SetLength(before);
            _open.Position = before;
            throw;
        }

        Interlocked.Add(ref _bytes, lines.Length);
    }

    /// <summary>Lets what was written be read.</summary>
    public void Close()
    {
        if (_open is not { } open)
        {
            return;
        }

        var segment = new Segment(_openId, open.Length);
        open.Dispose();
        _open = null;
        if (segment.Bytes == 0)
        {
            File.Delete(PathOf(segment.Id));
            return;
        }

        lock (_lock)
        {
            _closed.AddLast(segment);
        }
    }

    /// <summary>The oldest batch; null: there is none.</summary>
    public async Task<LogBatch?> OldestAsync(CancellationToken cancellationToken)
    {
        while (Oldest() is { } oldest)
        {
            try
            {
                var lines = WholeLines(await File.ReadAllBytesAsync(PathOf(oldest.Id), cancellationToken));
                if (!lines.IsEmpty)
                {
                    return new LogBatch(oldest.Id, lines);
                }
            }
            catch (FileNotFoundException)
            {
                // Somebody took it away: that one is gone, and those after it are not to wait for it.
            }

            Delete(oldest.Id);
        }

        return null;
    }

    public void Delete(string id)
    {
        File.Delete(PathOf(id));
        lock (_lock)
        {
            if (_closed.First is { } first && first.Value.Id == id)
            {
                _closed.RemoveFirst();
                Interlocked.Add(ref _bytes, -first.Value.Bytes);
            }
        }
    }

    public void Dispose()
    {
        Close();
        _mine.Dispose();
    }

    // A process that was killed while it wrote left half a line at most: it was told to nobody.
    private static ReadOnlyMemory<byte> WholeLines(byte[] bytes) => bytes.AsMemory(0, bytes.AsSpan().LastIndexOf((byte)'\n') + 1);

    private static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }

    private Segment? Oldest()
    {
        lock (_lock)
        {
            return _closed.First?.Value;
        }
    }

    private void Find()
    {
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles("*" + Extension).OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            var id = Path.GetFileNameWithoutExtension(file.Name);
            _closed.AddLast(new Segment(id, file.Length));
            _bytes += file.Length;
            _next = long.TryParse(id.Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? Math.Max(_next, number + 1) : _next;
        }
    }

    private string PathOf(string id) => Path.Combine(_folder, id + Extension);

    private sealed record Segment(string Id, long Bytes);
}
