namespace OrleansPolicy.Client;

/// <summary>A folder that one writer has for itself. The system lets go of it with the process, however that ends.</summary>
internal static class FolderLock
{
    /// <summary>Takes the folder until what is given back is disposed.</summary>
    /// <exception cref="IOException">Another writer has it, or nothing can be written there.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write there.</exception>
    public static FileStream Take(string folder) =>
        new(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}
