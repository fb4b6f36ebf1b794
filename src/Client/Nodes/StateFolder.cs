using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>
/// The folder of one node's <see cref="KeptState"/>. Files are written beside their place, flushed to the disk and renamed into it, so that
/// a crash leaves the old ones or the new ones; only their owner may read them. What is read back is verified like anything else.
/// </summary>
internal sealed class StateFolder(string folder)
{
    private const string StateFile = "state.json";
    private const string BundleSuffix = ".bundle.json";
    private const int StateBytesMax = 16 * 1024 * 1024;

    /// <summary>What was kept; null: nothing that can be read.</summary>
    public async Task<(KeptState State, byte[] Content)?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var path = Path.Combine(folder, StateFile);
            if (!File.Exists(path) || new FileInfo(path).Length > StateBytesMax)
            {
                return null;
            }

            var state = JsonSerializer.Deserialize<KeptState>(await File.ReadAllBytesAsync(path, cancellationToken), PolicyJson.Options);
            if (state is null || state.PolicyHash.Length != 64 || !state.PolicyHash.All(char.IsAsciiHexDigitLower))
            {
                return null;
            }

            var bundle = new FileInfo(BundlePath(state.PolicyHash));
            return bundle is { Exists: true, Length: <= BundleLimits.SizeBytesMax } ? (state, await File.ReadAllBytesAsync(bundle.FullName, cancellationToken)) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a state and the bundle it names, and nothing else.</summary>
    /// <exception cref="IOException">It cannot be written; what was kept before is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Write(KeptState state, ReadOnlyMemory<byte> content)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var bundle = BundlePath(state.PolicyHash);
        if (!File.Exists(bundle))
        {
            Replace(bundle, content.Span);
        }

        Replace(Path.Combine(folder, StateFile), JsonSerializer.SerializeToUtf8Bytes(state, PolicyJson.Options));
        foreach (var old in Directory.EnumerateFiles(folder, "*" + BundleSuffix).Where(file => file != bundle))
        {
            File.Delete(old);
        }
    }

    private string BundlePath(string policyHash) => Path.Combine(folder, policyHash + BundleSuffix);

    private static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var pending = path + ".new";
        File.Delete(pending);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(pending, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(pending, path, overwrite: true);
    }
}
