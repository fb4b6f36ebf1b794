using System.Buffers.Text;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Silo.Security;

/// <summary>The secret itself: 256 random bits behind a prefix that secret scanners can look for. Only its SHA-256 is ever stored.</summary>
public static class ApiKey
{
    private const string Prefix = "opk_";
    private const int SecretBytes = 32;

    /// <summary>The longest text worth hashing; anything longer is no key.</summary>
    public const int LengthMax = 200;

    /// <summary>A new key.</summary>
    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>An id for a key: no secret, sent in answers and written to the audit.</summary>
    public static string NewId() => "key-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>What is stored and looked up.</summary>
    public static ImmutableArray<byte> Hash(string key) =>
        ImmutableCollectionsMarshal.AsImmutableArray(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
