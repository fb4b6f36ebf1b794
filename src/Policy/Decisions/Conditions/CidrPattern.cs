using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// An address of a network. IPv4 addresses that are written as IPv6 (<c>::ffff:10.0.0.1</c>) are IPv4 addresses. A text that is
/// no address is an error: a rule that denies a network must not be passed over by garbage.
/// </summary>
internal sealed class CidrPattern(IPNetwork network) : TextPattern
{
    private readonly AddressFamily family = network.BaseAddress.AddressFamily;
    private readonly UInt128 start = Number(network.BaseAddress);
    private readonly UInt128 mask = Mask(network);

    public override Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation)
    {
        UInt128 address;
        var isV4 = TryParseV4(text, out var v4);
        if (isV4)
        {
            address = v4;
        }
        else if (text.Contains((byte)':') && IPAddress.TryParse(text, out var parsed))
        {
            isV4 = parsed.IsIPv4MappedToIPv6;
            address = Number(isV4 ? parsed.MapToIPv4() : parsed);
        }
        else
        {
            return evaluation.Fail("is no IP address");
        }

        return isV4 == (family == AddressFamily.InterNetwork) && (address & mask) == start ? Truth.Yes : Truth.No;
    }

    // Four decimal numbers: the short, octal and hexadecimal forms that other parsers take are how filters are passed by.
    private static bool TryParseV4(ReadOnlySpan<byte> text, out uint address)
    {
        address = 0;
        var (octets, octet, digits) = (0, 0, 0);
        foreach (var c in text)
        {
            if (c == '.' && digits > 0 && octets < 3)
            {
                address = (address << 8) | (uint)octet;
                (octets, octet, digits) = (octets + 1, 0, 0);
            }
            else if (c is >= (byte)'0' and <= (byte)'9' && (digits == 0 || octet > 0) && (octet * 10) + (c - '0') <= byte.MaxValue)
            {
                octet = (octet * 10) + (c - '0');
                digits++;
            }
            else
            {
                return false;
            }
        }

        address = (address << 8) | (uint)octet;
        return octets == 3 && digits > 0;
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static UInt128 Mask(IPNetwork network)
    {
        var bits = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var all = bits == 32 ? uint.MaxValue : UInt128.MaxValue;
        return network.PrefixLength == 0 ? 0 : all & ~((UInt128.One << (bits - network.PrefixLength)) - 1);
    }
}
