using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>cidr</c>: an address of one of the networks. IPv4 addresses that are written as IPv6 (<c>::ffff:10.0.0.1</c>) are IPv4
/// addresses. A value that is no address is an error: a rule that denies a network must not be passed over by garbage.
/// </summary>
internal sealed class CidrTest(JsonElement operand, ImmutableArray<IPNetwork> networks) : ValueTest
{
    private readonly (bool IsV4, UInt128 Start, UInt128 Mask)[] ranges = [.. networks.Select(ToRange)];

    public ImmutableArray<(bool IsV4, UInt128 Start, UInt128 Mask)> Ranges => ImmutableCollectionsMarshal.AsImmutableArray(ranges);

    public override string Text => $"cidr {operand.GetRawText()}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) => value.Kind switch
    {
        JsonValueKind.String => Check(value.Text, ref evaluation),
        JsonValueKind.Undefined => Truth.No,
        _ => evaluation.Fail("is no IP address"),
    };

    private Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation)
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

        foreach (var range in ranges)
        {
            if (range.IsV4 == isV4 && (address & range.Mask) == range.Start)
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }

    /// <summary>Four decimal numbers: the short, octal and hexadecimal forms that other parsers take are how filters are passed by.</summary>
    internal static bool TryParseV4(ReadOnlySpan<byte> text, out uint address)
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

    private static (bool IsV4, UInt128 Start, UInt128 Mask) ToRange(IPNetwork network)
    {
        var isV4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var (bits, all) = isV4 ? (32, uint.MaxValue) : (128, UInt128.MaxValue);
        var mask = network.PrefixLength == 0 ? 0 : all & ~((UInt128.One << (bits - network.PrefixLength)) - 1);
        return (isV4, Number(network.BaseAddress), mask);
    }
}
