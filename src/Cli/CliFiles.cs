using System.Security.Cryptography;
using System.Text.Json;

namespace OrleansPolicy.Cli;

/// <summary>Local files, with errors that name them.</summary>
internal static class CliFiles
{
    /// <summary>Larger ones hold none of what this program reads.</summary>
    private const long BytesMax = 256L * 1024 * 1024;

    /// <summary>A whole file; <c>-</c> is standard input.</summary>
    public static async Task<byte[]> ReadAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        try
        {
            if (path == "-")
            {
                return System.Text.Encoding.UTF8.GetBytes(await host.In.ReadToEndAsync(cancellationToken));
            }

            return new FileInfo(path).Length <= BytesMax
                ? await File.ReadAllBytesAsync(path, cancellationToken)
                : throw CliException.File($"{path} is larger than {BytesMax} bytes.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"{path} cannot be read: {e.Message}");
        }
    }

    public static async Task<T> ReadJsonAsync<T>(string path, CliHost host, CancellationToken cancellationToken) =>
        ParseJson<T>(path, await ReadAsync(path, host, cancellationToken));

    /// <summary>What a file's text says.</summary>
    public static T ParseJson<T>(string path, byte[] text)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(text, PolicyJson.Options)
                ?? throw CliException.File($"{path} holds null.");
        }
        catch (JsonException e)
        {
            throw CliException.File($"{path} is not what was expected: {e.Message}");
        }
    }

    public static async Task WriteAsync(string path, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllBytesAsync(path, bytes, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"{path} cannot be written: {e.Message}");
        }
    }

    /// <summary>Writes a new file that only its owner can read; refuses to replace one.</summary>
    public static async Task WriteSecretAsync(string path, string text, bool replace, CancellationToken cancellationToken)
    {
        try
        {
            if (replace)
            {
                File.Delete(path);
            }

            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            await using var writer = new StreamWriter(path, options);
            await writer.WriteAsync(text.AsMemory(), cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"{path} cannot be written: {e.Message}");
        }
    }

    /// <summary>A private key as PEM: P-256 or RSA.</summary>
    public static async Task<AsymmetricAlgorithm> ReadPrivateKeyAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var pem = System.Text.Encoding.UTF8.GetString(await ReadAsync(path, host, cancellationToken));
        foreach (var create in new Func<AsymmetricAlgorithm>[] { ECDsa.Create, RSA.Create })
        {
            var key = create();
            try
            {
                key.ImportFromPem(pem);

                // A public key can be imported too; only its private part can be exported again.
                _ = key.ExportPkcs8PrivateKey();
                return key;
            }
            catch (Exception e) when (e is ArgumentException or CryptographicException)
            {
                key.Dispose();
            }
        }

        throw CliException.File($"{path} holds no P-256 or RSA private key as PEM.");
    }
}
