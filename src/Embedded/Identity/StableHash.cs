using System.Buffers.Binary;
using System.Numerics;

namespace Orleans;

/// <summary>
/// XXH32 with seed 0 (the xxHash specification, version 0.1.1), its canonical big-endian bytes read as little-endian. Rows of
/// states and reminders are keyed by it, so it must never change.
/// </summary>
public static class StableHash
{
    private const uint Prime1 = 2654435761;
    private const uint Prime2 = 2246822519;
    private const uint Prime3 = 3266489917;
    private const uint Prime4 = 668265263;
    private const uint Prime5 = 374761393;

    public static uint ComputeHash(ReadOnlySpan<byte> data)
    {
        unchecked
        {
            var length = (uint)data.Length;
            uint hash;
            if (data.Length >= 16)
            {
                uint a = Prime1 + Prime2, b = Prime2, c = 0, d = 0 - Prime1;
                while (data.Length >= 16)
                {
                    a = Lane(a, data);
                    b = Lane(b, data[4..]);
                    c = Lane(c, data[8..]);
                    d = Lane(d, data[12..]);
                    data = data[16..];
                }

                hash = BitOperations.RotateLeft(a, 1) + BitOperations.RotateLeft(b, 7)
                    + BitOperations.RotateLeft(c, 12) + BitOperations.RotateLeft(d, 18);
            }
            else
            {
                hash = Prime5;
            }

            hash += length;
            for (; data.Length >= 4; data = data[4..])
            {
                hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(data) * Prime3), 17) * Prime4;
            }

            foreach (var rest in data)
            {
                hash = BitOperations.RotateLeft(hash + (rest * Prime5), 11) * Prime1;
            }

            hash = (hash ^ (hash >> 15)) * Prime2;
            hash = (hash ^ (hash >> 13)) * Prime3;
            return BinaryPrimitives.ReverseEndianness(hash ^ (hash >> 16));
        }
    }

    private static uint Lane(uint accumulator, ReadOnlySpan<byte> data) =>
        unchecked(BitOperations.RotateLeft(accumulator + (BinaryPrimitives.ReadUInt32LittleEndian(data) * Prime2), 13) * Prime1);
}
