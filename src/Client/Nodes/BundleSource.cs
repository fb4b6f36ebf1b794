using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>A bundle that somebody brings, not yet read.</summary>
/// <param name="Name">What to call it: its path.</param>
/// <param name="ReadAsync">Its bytes. Fails with <c>file.*</c>, <c>bundle.too_large</c>.</param>
internal sealed record BundleSource(string Name, Func<CancellationToken, Task<Outcome<byte[]>>> ReadAsync)
{
    /// <summary>The code of a file that is not there.</summary>
    public const string MissingCode = "file.missing";

    /// <summary>The code of what is no file: a pipe, a socket, a device, a folder.</summary>
    public const string IrregularCode = "file.irregular";

    /// <summary>A file.</summary>
    public static BundleSource OfFile(string path) => new(path, cancellationToken => ReadFileAsync(path, cancellationToken));

    /// <summary>Bytes that were read already.</summary>
    public static BundleSource OfBytes(string name, byte[] content) => new(name, _ => Task.FromResult(Outcome<byte[]>.Ok(content)));

    /// <summary>An opened file, whole. One that grows beyond a bundle's limit is not read to its end.</summary>
    public static async Task<Outcome<byte[]>> ReadOpenedAsync(FileStream file, CancellationToken cancellationToken)
    {
        if (file.Length > BundleLimits.SizeBytesMax)
        {
            return TooLarge(file.Length);
        }

        using var content = new MemoryStream((int)file.Length);
        var buffer = new byte[81920];
        for (int count; (count = await file.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            content.Write(buffer, 0, count);
            if (content.Length > BundleLimits.SizeBytesMax)
            {
                return TooLarge(content.Length);
            }
        }

        return Outcome<byte[]>.Ok(content.ToArray());
    }

    /// <summary>A file that cannot be read.</summary>
    public static Outcome<byte[]> Unreadable(string path, Exception cause) => cause switch
    {
        FileNotFoundException or DirectoryNotFoundException => Outcome<byte[]>.Fail(MissingCode, $"Bundle file not found: {path}"),
        IrregularFileException => Outcome<byte[]>.Fail(IrregularCode, $"The bundle file {path} is no file but a pipe, a socket, a device or a folder."),
        _ => Outcome<byte[]>.Fail("file.unreadable", $"The bundle file {path} cannot be read: {cause.Message}"),
    };

    private static Outcome<byte[]> TooLarge(long length) =>
        Outcome<byte[]>.Fail("bundle.too_large", $"A bundle has at most {BundleLimits.SizeBytesMax} bytes, this file has {length} or more.");

    private static async Task<Outcome<byte[]>> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = LinuxFile.OpenRegular(path);
            return await ReadOpenedAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return Unreadable(path, e);
        }
    }
}
