using System.Globalization;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Keeps a second process off a folder. The lock is the kernel's (flock), so it goes with its holder however that ends; the
/// pid beside it is for the error message only. It is not inherited: the file is closed on exec.
/// </summary>
internal sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <summary>Locks a data folder; refused with <see cref="DatabaseCodes.InUse"/>.</summary>
    public static DataFolderLock Acquire(string folder) => Acquire(folder, Path.Combine(folder, "lock"), Path.Combine(folder, "pid"));

    /// <summary>
    /// Locks a server's folder that lies outside the data folder by files beside it: a copied data folder leads to the same server,
    /// and root does not write into another user's folder.
    /// </summary>
    public static DataFolderLock AcquireBeside(string folder) => Acquire(folder, folder + ".lock", folder + ".pid");

    private static DataFolderLock Acquire(string folder, string path, string pidPath)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DatabaseException(DatabaseCodes.FolderUnwritable, $"The data folder {folder} cannot be written by this user.", e);
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new DatabaseException(
                DatabaseCodes.InUse,
                $"The data folder {folder} is in use by another process (pid {ReadPid(pidPath)}). Stop it, or choose another folder with POLICY_DATA.",
                e);
        }

        File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new DataFolderLock(file);
    }

    public void Dispose() => _file.Dispose();

    private static string ReadPid(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException)
        {
            return "unknown";
        }
    }
}
