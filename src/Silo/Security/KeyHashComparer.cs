using System.Collections.Immutable;
using System.Security.Cryptography;

namespace OrleansPolicy.Silo.Security;

/// <summary>Hashes of keys, compared in constant time.</summary>
internal sealed class KeyHashComparer : IEqualityComparer<ImmutableArray<byte>>
{
    public static KeyHashComparer Instance { get; } = new();

    public bool Equals(ImmutableArray<byte> x, ImmutableArray<byte> y) => CryptographicOperations.FixedTimeEquals(x.AsSpan(), y.AsSpan());

    public int GetHashCode(ImmutableArray<byte> obj) => BitConverter.ToInt32(obj.AsSpan());
}
