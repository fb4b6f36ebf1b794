namespace OrleansPolicy.Client;

/// <summary>
/// The file system's word that something may have changed where a path leads: in its own folder (a rename, a replacement, the switch of
/// a link beside it) and in the folder of the file it leads to. Only a hint, which may be late or lost: who hears it looks.
/// </summary>
internal sealed class FileEvents(string path, Action changed) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, FileSystemWatcher> _watchers = new(StringComparer.Ordinal);

    /// <summary>Listens where the path leads now; a folder that gives no events is tried again at the next call.</summary>
    public void Listen(string? realPath)
    {
        lock (_lock)
        {
            var folders = new[] { Path.GetDirectoryName(path), Path.GetDirectoryName(realPath) }.OfType<string>().ToHashSet(StringComparer.Ordinal);
            foreach (var folder in _watchers.Keys.Except(folders).ToList())
            {
                Forget(folder);
            }

            foreach (var folder in folders.Except(_watchers.Keys).ToList())
            {
                ListenTo(folder);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var folder in _watchers.Keys.ToList())
            {
                Forget(folder);
            }
        }
    }

    private void ListenTo(string folder)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(folder)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.CreationTime,
            };
            watcher.Changed += (_, _) => changed();
            watcher.Created += (_, _) => changed();
            watcher.Deleted += (_, _) => changed();
            watcher.Renamed += (_, _) => changed();
            watcher.Error += (_, _) => Broken(folder);
            watcher.EnableRaisingEvents = true;
            _watchers[folder] = watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // No such folder yet, no more watches on this machine, or a file system without events: looking finds what happens there.
            watcher?.Dispose();
        }
    }

    // Too many at once, or the folder is gone. What was missed is seen by looking; the next look listens anew.
    private void Broken(string folder)
    {
        lock (_lock)
        {
            Forget(folder);
        }

        changed();
    }

    private void Forget(string folder)
    {
        if (_watchers.Remove(folder, out var watcher))
        {
            watcher.Dispose();
        }
    }
}
