using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Webhooks;

/// <summary>
/// How what is sent is signed, as the Standard Webhooks specification has it (standardwebhooks.com): the Base64 of HMAC-SHA256 over
/// <c>{webhook-id}.{webhook-timestamp}.{body}</c>, behind <c>v1,</c>. A receiver in .NET can call <see cref="Verify"/>; for others there are libraries.
/// </summary>
public static class WebhookSignature
{
    /// <summary>The header with the id of what is sent: the same when it is sent again.</summary>
    public const string IdHeader = "webhook-id";

    /// <summary>The header with the seconds since 1970 at which it was sent this time.</summary>
    public const string TimestampHeader = "webhook-timestamp";

    /// <summary>The header with the signatures, one for each secret in force, separated by spaces.</summary>
    public const string SignatureHeader = "webhook-signature";

    /// <summary>How a secret begins.</summary>
    public const string SecretPrefix = "whsec_";

    /// <summary>How far a receiver's clock may be from the sender's, unless it says otherwise.</summary>
    public static readonly TimeSpan DefaultTolerance = TimeSpan.FromMinutes(5);

    private const string Version = "v1,";

    /// <summary>A secret as it is shown, of random bytes.</summary>
    public static string Secret(ReadOnlySpan<byte> random) => SecretPrefix + Convert.ToBase64String(random);

    /// <summary>The signature by one secret, with its version. Throws <see cref="FormatException"/> where that is no secret.</summary>
    public static string Sign(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(secret);
        var key = Convert.FromBase64String(secret.StartsWith(SecretPrefix, StringComparison.Ordinal) ? secret[SecretPrefix.Length..] : secret);
        var head = Encoding.UTF8.GetBytes($"{id}.{timestamp.ToString(CultureInfo.InvariantCulture)}.");
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(head);
        hmac.AppendData(body);
        return Version + Convert.ToBase64String(hmac.GetHashAndReset());
    }

    /// <summary>Whether what was received was sent by who knows the secret, at about this time. Compares in constant time.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="id">The header <see cref="IdHeader"/>.</param>
    /// <param name="timestamp">The header <see cref="TimestampHeader"/>.</param>
    /// <param name="signatures">The header <see cref="SignatureHeader"/>.</param>
    /// <param name="body">The body, byte for byte.</param>
    /// <param name="now">The receiver's clock.</param>
    /// <param name="tolerance">How far the sender's may be from it; null: <see cref="DefaultTolerance"/>.</param>
    public static bool Verify(
        string secret, string? id, string? timestamp, string? signatures, ReadOnlySpan<byte> body, DateTimeOffset now, TimeSpan? tolerance = null)
    {
        if (id is null || signatures is null || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs((decimal)now.ToUnixTimeSeconds() - seconds) > (decimal)(tolerance ?? DefaultTolerance).TotalSeconds)
        {
            return false;
        }

        var expected = Encoding.UTF8.GetBytes(Sign(secret, id, seconds, body));
        var isOneOfThem = false;
        foreach (var signature in signatures.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            isOneOfThem |= CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(signature));
        }

        return isOneOfThem;
    }
}
