using OrleansPolicy.Client;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.SingleNode;

/// <summary>
/// The one folder from which a call may name a file. A file is opened once, and what was opened is what is judged and read: a link that
/// is switched in between leads nowhere else.
/// </summary>
internal sealed class BundlesFolder(SiloSettings settings)
{
    /// <summary>The code of a path that leads out of the folder.</summary>
    public const string OutsideCode = "file.outside";

    private const int PathLengthMax = 1_024;

    /// <summary>Its path.</summary>
    public string Folder => settings.BundlesFolder;

    /// <summary>Makes it; who may write the data folder may put bundles there.</summary>
    public void Create() => Directory.CreateDirectory(Folder);

    /// <summary>
    /// The bytes of a file named by a call: relative to the folder, or absolute within it. Fails with <c>file.outside</c>,
    /// <c>file.missing</c>, <c>file.irregular</c>, <c>file.unreadable</c>, <c>bundle.too_large</c>.
    /// </summary>
    public async Task<Outcome<(string Path, byte[] Content)>> ReadAsync(string? asked, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(asked) || asked.Length > PathLengthMax || asked.Contains('\0', StringComparison.Ordinal) || Find(asked) is not { } path)
        {
            return Outside();
        }

        try
        {
            if (!IsWithin(WatchedFile.RealPathOf(path)))
            {
                return Outside();
            }

            await using var file = LinuxFile.OpenRegular(path);
            if (!IsWithin(RealPathOf(file, path)))
            {
                return Outside();
            }

            var content = await BundleSource.ReadOpenedAsync(file, cancellationToken);
            return content.Succeeded ? Outcome<(string, byte[])>.Ok((path, content.Value)) : content.As<(string, byte[])>();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return BundleSource.Unreadable(asked, exception).As<(string, byte[])>();
        }
    }

    // "v2.json", "bundles/v2.json" and the full path all name the same file.
    private string? Find(string asked)
    {
        var prefix = Path.GetFileName(Folder) + "/";
        var path = Path.GetFullPath(asked, asked.StartsWith(prefix, StringComparison.Ordinal) ? settings.DataFolder : Folder);
        return path.StartsWith(Folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path : null;
    }

    private bool IsWithin(string real) => real.StartsWith(WatchedFile.RealPathOf(Folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    // The kernel knows what was opened. Elsewhere the path is followed once more, after the opening.
    private static string RealPathOf(FileStream file, string path) => OperatingSystem.IsLinux()
        ? new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget ?? throw new IOException("The opened file has no path.")
        : WatchedFile.RealPathOf(path);

    private static Outcome<(string, byte[])> Outside() =>
        Outcome<(string, byte[])>.Fail(OutsideCode, "bundle_path names a file inside the data folder's bundles/, without links that lead out.", "$.bundle_path");
}
