using System.Numerics;
using System.Security.Cryptography;

namespace OrleansPolicy.Bundles;

/// <summary>
/// RSASSA-PSS verification (RFC 8017 sections 8.1.2 and 9.1.2) with SHA-256 and a salt of the greatest length that fits. The
/// platform verifies salts of the digest's length only. Works on public values alone, so that its timing gives nothing away.
/// </summary>
internal static class PssMaximumSalt
{
    private const int HashBytes = 32;

    public static bool Verify(RSAParameters key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        var modulus = new BigInteger(key.Modulus, isUnsigned: true, isBigEndian: true);
        var exponent = new BigInteger(key.Exponent, isUnsigned: true, isBigEndian: true);
        var value = new BigInteger(signature, isUnsigned: true, isBigEndian: true);
        if (signature.Length != key.Modulus!.Length || value >= modulus)
        {
            return false;
        }

        var encodedBits = checked((int)modulus.GetBitLength()) - 1;
        var encoded = new byte[(encodedBits + 7) / 8];
        var power = BigInteger.ModPow(value, exponent, modulus);
        var powerLength = power.GetByteCount(isUnsigned: true);
        return powerLength <= encoded.Length
            && power.TryWriteBytes(encoded.AsSpan(encoded.Length - powerLength), out _, isUnsigned: true, isBigEndian: true)
            && IsEncodingOf(message, encoded, encodedBits);
    }

    private static bool IsEncodingOf(ReadOnlySpan<byte> message, byte[] encoded, int encodedBits)
    {
        var unusedBits = (8 * encoded.Length) - encodedBits;
        var block = encoded.AsSpan(0, encoded.Length - HashBytes - 1); // Masked: zeros, 0x01, salt.
        var hash = encoded.AsSpan(block.Length, HashBytes);
        if (encoded[^1] != 0xBC || (block[0] >> (8 - unusedBits)) != 0)
        {
            return false;
        }

        Unmask(block, hash);
        block[0] &= (byte)(0xFF >> unusedBits);

        // The maximum length leaves no zeros: the separator is the first byte and all the rest is salt.
        if (block[0] != 0x01)
        {
            return false;
        }

        var salted = new byte[8 + HashBytes + block.Length - 1];
        SHA256.HashData(message, salted.AsSpan(8));
        block[1..].CopyTo(salted.AsSpan(8 + HashBytes));
        return SHA256.HashData(salted).AsSpan().SequenceEqual(hash);
    }

    // MGF1 with SHA-256.
    private static void Unmask(Span<byte> block, ReadOnlySpan<byte> seed)
    {
        var input = new byte[HashBytes + 4];
        seed.CopyTo(input);
        for (var start = 0; start < block.Length; start += HashBytes)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(input.AsSpan(HashBytes), (uint)(start / HashBytes));
            var mask = SHA256.HashData(input);
            for (var i = 0; i < HashBytes && start + i < block.Length; i++)
            {
                block[start + i] ^= mask[i];
            }
        }
    }
}
