using System.Security.Cryptography;

namespace OrleansPolicy.Bundles;

/// <summary>
/// The canonical form of JSON after RFC 8785 (JCS): members sorted by the UTF-16 units of their names, numbers as ECMAScript
/// writes them, no white space, the shortest escapes. What RFC 8785 leaves to the reader is refused here: repeated names and
/// surrogates that stand alone.
/// </summary>
public static class CanonicalJson
{
    /// <summary>The canonical form of one JSON text in UTF-8.</summary>
    /// <exception cref="FormatException">The text is refused; the message begins with the code (see <see cref="TryCanonicalize"/>).</exception>
    public static byte[] Canonicalize(ReadOnlySpan<byte> utf8Json)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Jcs, CanonicalOptions.Default);
        var outcome = writer.Write(utf8Json);
        return outcome.Succeeded ? outcome.Value.ToArray() : throw new FormatException($"{outcome.Problems[0].Code}: {outcome.Problems[0].Message}");
    }

    /// <summary>
    /// The same with refusals as values: <c>json.malformed</c>, <c>json.depth</c>, <c>json.duplicate_key</c>, <c>json.surrogate</c>,
    /// <c>json.number</c> (not finite as a double) and, where demanded, <c>json.number_inexact</c>; each with the JSON path of its place.
    /// </summary>
    public static Outcome<byte[]> TryCanonicalize(ReadOnlyMemory<byte> json, CanonicalOptions? options = null)
    {
        using var writer = new CanonicalWriter(CanonicalDialect.Jcs, options ?? CanonicalOptions.Default);
        var outcome = writer.Write(json.Span);
        return outcome.Succeeded ? Outcome<byte[]>.Ok(outcome.Value.ToArray()) : outcome.As<byte[]>();
    }

    /// <summary>The lower-case hex SHA-256 of canonical bytes: a policy hash.</summary>
    public static string Hash(ReadOnlySpan<byte> canonical) => Convert.ToHexStringLower(SHA256.HashData(canonical));
}
