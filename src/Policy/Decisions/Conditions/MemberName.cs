using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// The name of a member with a number made of it, by which it is found. Where it has eight bytes at most, as most names have, the number
/// and the length are the name.
/// </summary>
internal readonly struct MemberName
{
    /// <summary>Spreads numbers over 64 bits.</summary>
    public const ulong Spread = 0x9E3779B97F4A7C15;

    public MemberName(string name)
    {
        Utf8 = Encoding.UTF8.GetBytes(name);
        Key = KeyOf(Utf8);
        Hash = HashOf(Key, Utf8.Length);
    }

    public byte[] Utf8 { get; }

    /// <summary>The number.</summary>
    public ulong Key { get; }

    /// <summary>What buckets are chosen by.</summary>
    public ulong Hash { get; }

    /// <summary>Whether other names of the same length have other keys.</summary>
    public bool IsKey => Utf8.Length <= sizeof(ulong);

    /// <summary>The same of a name with this key and so many bytes.</summary>
    public static ulong HashOf(ulong key, int length) => (key + (uint)length) * 0xD6E8FEB86659FD93;

    /// <summary>The number of a name.</summary>
    public static ulong KeyOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        > sizeof(ulong) => BinaryPrimitives.ReadUInt64LittleEndian(name) ^ (BinaryPrimitives.ReadUInt64LittleEndian(name[^sizeof(ulong)..]) * Spread),
        >= sizeof(uint) => BinaryPrimitives.ReadUInt32LittleEndian(name) | ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(name[^sizeof(uint)..]) << 32),
        > 0 => name[0] | ((uint)name[name.Length >> 1] << 8) | ((uint)name[^1] << 16),
        _ => 0,
    };

    /// <summary>
    /// Whether a name that is written with escapes is a text: UTF-8, and no half of a surrogate pair without the other. The JSON reader
    /// says so by throwing, which for each name of a hostile context would take long.
    /// </summary>
    public static bool IsText(ReadOnlySpan<byte> written)
    {
        var isHigh = false;
        for (var i = 0; i < written.Length; i++)
        {
            var unit = '\0';
            if (written[i] == (byte)'\\' && written[++i] == (byte)'u')
            {
                unit = (char)ushort.Parse(written.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                i += 4;
            }

            if (char.IsLowSurrogate(unit) != isHigh)
            {
                return false;
            }

            isHigh = char.IsHighSurrogate(unit);
        }

        return !isHigh && System.Text.Unicode.Utf8.IsValid(written);
    }
}
