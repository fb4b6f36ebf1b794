using System.Buffers;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// Copies a context into a record, value by value, because a record is one line and has its own escapes, however the context was written.
/// Allocates nothing.
/// </summary>
internal readonly struct ContextCopy
{
    private readonly Utf8JsonWriter _to;
    private readonly DecisionContext _context;
    private readonly ContextMask? _mask;
    private readonly byte[] _room;

    private ContextCopy(Utf8JsonWriter to, DecisionContext context, ContextMask? mask, byte[] room)
    {
        (_to, _context, _mask, _room) = (to, context, mask, room);
    }

    /// <summary>Writes what may be known of a context; without a mask, that is all.</summary>
    /// <exception cref="InvalidOperationException">A text has half a surrogate pair.</exception>
    /// <exception cref="ArgumentException">So has a name.</exception>
    public static void Write(Utf8JsonWriter to, DecisionContext context, ContextMask? mask)
    {
        // For one text at a time.
        var room = ArrayPool<byte>.Shared.Rent(context.Utf8.Length);
        try
        {
            new ContextCopy(to, context, mask, room).WriteValue(0, mask?.Root);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    private void WriteValue(int row, ContextMask.Member? mask)
    {
        var json = _context.Read(row, out var isEscaped);
        switch (json[0])
        {
            case (byte)'{':
                _to.WriteStartObject();
                for (int at = row + 1, end = _context.End(row); at < end; at = _context.End(at))
                {
                    WriteMember(at, mask);
                }

                _to.WriteEndObject();
                break;
            case (byte)'[':
                _to.WriteStartArray();
                for (int at = row + 1, end = _context.End(row); at < end; at = _context.End(at))
                {
                    WriteValue(at, mask);
                }

                _to.WriteEndArray();
                break;
            case (byte)'"':
                _to.WriteStringValue(Text(json, isEscaped));
                break;
            default:
                // A number keeps every digit, whether or not anything could hold it.
                _to.WriteRawValue(json, skipInputValidation: true);
                break;
        }
    }

    private void WriteMember(int row, ContextMask.Member? mask)
    {
        var name = _context.Name(row);
        var masked = Find(mask, name);
        switch (masked?.Treatment)
        {
            case ContextMask.Treatment.Drop:
                break;
            case ContextMask.Treatment.Hash:
                _to.WritePropertyName(name);
                WriteHash(row);
                break;
            default:
                _to.WritePropertyName(name);
                WriteValue(row, masked);
                break;
        }
    }

    private static ContextMask.Member? Find(ContextMask.Member? mask, ReadOnlySpan<byte> name)
    {
        if (mask is not null)
        {
            foreach (var member in mask.Members)
            {
                if (name.SequenceEqual(member.Utf8))
                {
                    return member;
                }
            }
        }

        return null;
    }

    private void WriteHash(int row)
    {
        // Texts by their characters, whatever their escapes; of everything else, the bytes as they came.
        var json = _context.Read(row, out var isEscaped);
        Span<byte> hash = stackalloc byte[ContextMask.HashLength];
        _mask!.Hash(json[0] == (byte)'"' ? Text(json, isEscaped) : json, hash);
        _to.WriteStringValue(hash);
    }

    // Without its escapes, good until the next one.
    private ReadOnlySpan<byte> Text(ReadOnlySpan<byte> json, bool isEscaped)
    {
        if (!isEscaped)
        {
            return json[1..^1];
        }

        var text = new Utf8JsonReader(json);
        text.Read();
        return _room.AsSpan(0, text.CopyString(_room));
    }
}
