using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace OrleansPolicy.Fleets;

/// <summary>A unit's place in the order in which a rollout takes units: its SHA-256 as four numbers, ordered as the hex text is.</summary>
internal readonly record struct UnitKey(ulong A, ulong B, ulong C, ulong D) : IComparable<UnitKey>
{
    private const int StackBytesMax = 512;

    /// <summary>Above every hash but itself: the key of the cut that takes in every unit.</summary>
    public static UnitKey Last { get; } = new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    /// <summary>SHA-256 over the UTF-8 bytes of the salt, as it is written in the directive, followed by those of the unit.</summary>
    public static UnitKey Of(string salt, string unit)
    {
        var size = Encoding.UTF8.GetMaxByteCount(salt.Length) + Encoding.UTF8.GetMaxByteCount(unit.Length);
        var bytes = size <= StackBytesMax ? stackalloc byte[StackBytesMax] : new byte[size];
        var length = Encoding.UTF8.GetBytes(salt, bytes);
        length += Encoding.UTF8.GetBytes(unit, bytes[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..length], hash);
        return FromBytes(hash);
    }

    /// <summary>Reads a cut of a directive.</summary>
    public static UnitKey Parse(string cut)
    {
        if (cut == DomainCut.All)
        {
            return Last;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var status = Convert.FromHexString(cut, hash, out _, out var written);
        Invariant.Holds(
            status == System.Buffers.OperationStatus.Done && written == hash.Length, "INV-CUT", "A cut is 'all' or 64 hexadecimal characters.");
        return FromBytes(hash);
    }

    public int CompareTo(UnitKey other)
    {
        var order = A.CompareTo(other.A);
        order = order != 0 ? order : B.CompareTo(other.B);
        order = order != 0 ? order : C.CompareTo(other.C);
        return order != 0 ? order : D.CompareTo(other.D);
    }

    /// <summary>Lower-case hexadecimal, 64 characters.</summary>
    public string ToHex()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteUInt64BigEndian(hash, A);
        BinaryPrimitives.WriteUInt64BigEndian(hash[8..], B);
        BinaryPrimitives.WriteUInt64BigEndian(hash[16..], C);
        BinaryPrimitives.WriteUInt64BigEndian(hash[24..], D);
        return Convert.ToHexStringLower(hash);
    }

    private static UnitKey FromBytes(ReadOnlySpan<byte> hash) => new(
        BinaryPrimitives.ReadUInt64BigEndian(hash),
        BinaryPrimitives.ReadUInt64BigEndian(hash[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(hash[16..]),
        BinaryPrimitives.ReadUInt64BigEndian(hash[24..]));
}
