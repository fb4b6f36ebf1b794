using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>A bundle that somebody brings, not yet read.</summary>
/// <param name="Name">What to call it: its path.</param>
/// <param name="ReadAsync">Its bytes. Fails with <c>file.*</c>, <c>bundle.too_large</c>.</param>
internal sealed record BundleSource(string Name, Func<CancellationToken, Task<Outcome<byte[]>>> ReadAsync)
{
    /// <summary>The code of a file that is not there.</summary>
    public const string MissingCode = "file.missing";

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
    public static Outcome<byte[]> Unreadable(string path, Exception cause) => Outcome<byte[]>.Fail(
        cause is FileNotFoundException or DirectoryNotFoundException ? MissingCode : "file.unreadable",
        cause is FileNotFoundException or DirectoryNotFoundException ? $"Bundle file not found: {path}" : $"The bundle file {path} cannot be read: {cause.Message}");

    private static Outcome<byte[]> TooLarge(long length) =>
        Outcome<byte[]>.Fail("bundle.too_large", $"A bundle has at most {BundleLimits.SizeBytesMax} bytes, this file has {length} or more.");

    private static async Task<Outcome<byte[]>> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 0,
            });
            return await ReadOpenedAsync(file, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return Unreadable(path, e);
        }
    }
}
