using System.Text;
using Orleans.Runtime;

namespace Orleans.AdoNet;

/// <summary>
/// A grain's key as columns. A key that reads as a GUID or as a hexadecimal integer is stored as one, whatever the grain's
/// interface says: so do the providers of a cluster, and rows must be theirs too.
/// </summary>
internal readonly record struct AdoNetKey(long N0, long N1, string? Extension, int Hash)
{
    public static AdoNetKey Of(GrainId id)
    {
        if (id.TryGetGuidKey(out var guid, out var extension))
        {
            Span<byte> bytes = stackalloc byte[16];
            guid.TryWriteBytes(bytes);
            return new AdoNetKey(BitConverter.ToInt64(bytes), BitConverter.ToInt64(bytes[8..]), extension, HashOf(bytes, extension));
        }

        if (id.TryGetIntegerKey(out var integer, out extension))
        {
            return new AdoNetKey(0, integer, extension, HashOf(BitConverter.GetBytes(integer), extension));
        }

        var key = id.Key.ToString();
        return new AdoNetKey(0, 0, key, HashOf([], key));
    }

    public static int HashOf(string stateName) => unchecked((int)StableHash.ComputeHash(Encoding.UTF8.GetBytes(stateName)));

    private static int HashOf(ReadOnlySpan<byte> number, string? text)
    {
        // Number, then text, all of it backwards: the order of bytes is part of the stored hash.
        byte[] bytes = [.. number, .. Encoding.UTF8.GetBytes(text ?? "")];
        Array.Reverse(bytes);
        return unchecked((int)StableHash.ComputeHash(bytes));
    }
}
