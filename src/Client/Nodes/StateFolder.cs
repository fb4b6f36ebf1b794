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

    // What lay there at the start may have been damaged: it is written again at the first occasion.
    private string? _bundleWritten;

    /// <summary>What was kept, and the bytes of its bundle where these are there; null: nothing that can be read.</summary>
    public async Task<(KeptState State, byte[]? Content)?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var path = Path.Combine(folder, StateFile);
            if (!File.Exists(path) || new FileInfo(path).Length > StateBytesMax)
            {
                return null;
            }

            var state = JsonSerializer.Deserialize<KeptState>(await File.ReadAllBytesAsync(path, cancellationToken), PolicyJson.Options);
            return state is null ? null : (state, await ReadBundleAsync(state.PolicyHash, cancellationToken));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a state and the bundle it names, and nothing else.</summary>
    /// <param name="state">The state.</param>
    /// <param name="content">The bytes of the bundle; null: they lie there already, or there are none.</param>
    /// <exception cref="IOException">It cannot be written; what was kept before is still there.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Write(KeptState state, ReadOnlyMemory<byte>? content)
    {
        if (!Directory.Exists(folder))
        {
            Create();
        }

        var bundle = state.PolicyHash is { } hash ? BundlePath(hash) : null;
        if (bundle is not null && content is { } bytes && _bundleWritten != bundle)
        {
            Replace(bundle, bytes.Span);
            _bundleWritten = bundle;
        }

        Replace(Path.Combine(folder, StateFile), JsonSerializer.SerializeToUtf8Bytes(state, PolicyJson.Options));
        foreach (var old in Directory.EnumerateFiles(folder, "*" + BundleSuffix).Where(file => file != bundle))
        {
            File.Delete(old);
        }
    }

    private string BundlePath(string policyHash) => Path.Combine(folder, policyHash + BundleSuffix);

    private async Task<byte[]?> ReadBundleAsync(string? policyHash, CancellationToken cancellationToken)
    {
        if (policyHash is not { Length: 64 } || !policyHash.All(char.IsAsciiHexDigitLower))
        {
            return null;
        }

        var bundle = new FileInfo(BundlePath(policyHash));
        return bundle is { Exists: true, Length: <= BundleLimits.SizeBytesMax } ? await File.ReadAllBytesAsync(bundle.FullName, cancellationToken) : null;
    }

    private void Create()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        var made = Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        LinuxFile.FlushFolder(made.Parent?.FullName ?? made.FullName);
    }

    private void Replace(string path, ReadOnlySpan<byte> content)
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

        // Each entry before the next is written: the state never names a bundle that a loss of power took away.
        File.Move(pending, path, overwrite: true);
        LinuxFile.FlushFolder(folder);
    }
}
