using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client;

/// <summary>The first trust root of an agent: given, read from a file, or fetched and compared with a given hash. Never simply fetched.</summary>
internal static class InstalledTrust
{
    private const int FileBytesMax = 1024 * 1024;

    /// <param name="options">What the agent was given.</param>
    /// <param name="channel">Where a root may be fetched from; null: nowhere.</param>
    /// <param name="kept">The chain that was kept on disk, its first root first: what was fetched once need not be fetched to start again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">There is none, or it cannot be read.</exception>
    public static async Task<TrustRoot> ReadAsync(PolicyNodeOptions options, INodeChannel? channel, ImmutableArray<TrustRoot> kept, CancellationToken cancellationToken)
    {
        if (options.TrustRoot is { } given)
        {
            return given;
        }

        if (options.TrustRootFile is { } file)
        {
            return await ReadFileAsync(file, cancellationToken);
        }

        if (options.TrustRootSha256 is { } pin && kept is [var pinned, ..] && TrustAnchor.Fingerprint(pinned).Equals(pin, StringComparison.OrdinalIgnoreCase))
        {
            return pinned;
        }

        if (options is { TrustOnFirstUse: true, TrustRootSha256: null } && kept is [var first, ..])
        {
            return first;
        }

        return await FetchAsync(options, channel, cancellationToken);
    }

    private static async Task<TrustRoot> FetchAsync(PolicyNodeOptions options, INodeChannel? channel, CancellationToken cancellationToken)
    {
        if (channel is not null && options.TrustRootSha256 is { } pin)
        {
            return await FetchPinnedAsync(channel, pin, cancellationToken);
        }

        if (channel is not null && options.TrustOnFirstUse)
        {
            return await channel.FindTrustAsync(null, cancellationToken)
                ?? throw new ArgumentException("The tenant has no trust root yet.", nameof(options));
        }

        throw new ArgumentException("A node needs a trust root: an object, a file or its SHA-256.", nameof(options));
    }

    /// <summary>The root in a file.</summary>
    /// <exception cref="ArgumentException">There is none that can be read.</exception>
    public static async Task<TrustRoot> ReadFileAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            if (new FileInfo(file).Length > FileBytesMax)
            {
                throw new ArgumentException($"{file} is too large for a trust root.");
            }

            var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
            return JsonSerializer.Deserialize<TrustRoot>(bytes, PolicyJson.Options) ?? throw new ArgumentException($"{file} holds no trust root.");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"The trust root {file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The pin may be of any version: the chain from it is followed like any other.</summary>
    private static async Task<TrustRoot> FetchPinnedAsync(INodeChannel channel, string pin, CancellationToken cancellationToken)
    {
        var newest = await channel.FindTrustAsync(null, cancellationToken);
        for (var version = newest?.Version ?? 0; version >= 1; version--)
        {
            var root = version == newest!.Version ? newest : await channel.FindTrustAsync(version, cancellationToken);
            if (root is not null && TrustAnchor.Fingerprint(root).Equals(pin, StringComparison.OrdinalIgnoreCase))
            {
                return root;
            }
        }

        throw new ArgumentException("The control plane offers no trust root with the given SHA-256.");
    }
}
