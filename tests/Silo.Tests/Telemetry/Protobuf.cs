using System.Text;

namespace OrleansPolicy.Silo.Tests.Telemetry;

/// <summary>As much of protobuf's wire format as it takes to look into what was exported: fields by number.</summary>
internal readonly struct Protobuf
{
    private readonly ReadOnlyMemory<byte> _bytes;

    public Protobuf(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    public string Text => Encoding.UTF8.GetString(_bytes.Span);

    public string Hex => Convert.ToHexStringLower(_bytes.Span);

    /// <summary>The length-delimited fields of a number.</summary>
    public IEnumerable<Protobuf> Of(int field)
    {
        var at = 0;
        while (at < _bytes.Length)
        {
            var tag = Varint(ref at);
            var length = (tag & 7) switch
            {
                0 => Skip(ref at),
                1 => 8,
                2 => (int)Varint(ref at),
                5 => 4,
                var other => throw new InvalidDataException($"Wire type {other}."),
            };
            if (tag >> 3 == (ulong)field && (tag & 7) == 2)
            {
                yield return new Protobuf(_bytes.Slice(at, length));
            }

            at += length;
        }
    }

    private int Skip(ref int at)
    {
        Varint(ref at);
        return 0;
    }

    private ulong Varint(ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = _bytes.Span[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
