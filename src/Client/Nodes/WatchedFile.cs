using System.Security.Cryptography;

namespace OrleansPolicy.Client;

/// <summary>
/// A file as it looks from outside, cheaply: which file the path leads to, its size and when it was written. Two looks that are alike
/// mean that nobody wrote meanwhile, except within the grain of the file system's clock.
/// </summary>
internal readonly record struct WatchedFile(string? RealPath, long Length, DateTime WrittenAt)
{
    /// <summary>The file that is not there.</summary>
    public static readonly WatchedFile Missing = new(null, 0, default);

    public static WatchedFile Look(string path)
    {
        try
        {
            var real = RealPathOf(path);
            var file = new FileInfo(real);
            return file.Exists ? new WatchedFile(real, file.Length, file.LastWriteTimeUtc) : Missing;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // As good as not there; reading it says why.
            return Missing;
        }
    }

    /// <summary>The identity of content.</summary>
    public static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>Where a path leads once every link on the way is followed; links that lead nowhere stay as they are.</summary>
    public static string RealPathOf(string path)
    {
        const int LinksMax = 40;
        var links = 0;
        var full = Path.GetFullPath(path);
        var root = Path.GetPathRoot(full)!;
        var rest = new Stack<string>(full[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse());
        var real = root;
        while (rest.TryPop(out var part))
        {
            var next = Path.GetFullPath(Path.Combine(real, part));
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > LinksMax)
            {
                throw new IOException($"{path} leads through too many links.");
            }

            var aim = Path.GetFullPath(Path.Combine(real, target));
            foreach (var step in aim[Path.GetPathRoot(aim)!.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                rest.Push(step);
            }

            real = Path.GetPathRoot(aim)!;
        }

        return real;
    }
}
