using System.Buffers;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// Copies a context into a record, value by value, because a record is one line and has its own escapes, however the context was written.
/// Allocates nothing.
/// </summary>
internal ref struct ContextCopy
{
    private readonly Utf8JsonWriter _to;
    private readonly ReadOnlySpan<byte> _context;
    private readonly ContextMask? _mask;
    private readonly Span<byte> _room;
    private Utf8JsonReader _from;

    private ContextCopy(Utf8JsonWriter to, ReadOnlySpan<byte> context, ContextMask? mask, Span<byte> room)
    {
        (_to, _mask) = (to, mask);
        _context = context;
        _room = room;

        // As much as a context that was parsed by somebody else may have: its bytes are as they came.
        _from = new Utf8JsonReader(
            context,
            new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = DecisionContext.DepthMax });
    }

    /// <summary>Writes what may be known of a context; without a mask, that is all.</summary>
    /// <exception cref="JsonException">It could not be read.</exception>
    /// <exception cref="InvalidOperationException">A text has half a surrogate pair.</exception>
    public static void Write(Utf8JsonWriter to, ReadOnlySpan<byte> context, ContextMask? mask)
    {
        var room = ArrayPool<byte>.Shared.Rent(context.Length);
        try
        {
            var copy = new ContextCopy(to, context, mask, room);
            copy._from.Read();
            copy.WriteValue(mask?.Root);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    private void WriteValue(ContextMask.Member? mask)
    {
        switch (_from.TokenType)
        {
            case JsonTokenType.StartObject:
                _to.WriteStartObject();
                while (_from.Read() && _from.TokenType != JsonTokenType.EndObject)
                {
                    WriteMember(mask);
                }

                _to.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                _to.WriteStartArray();
                while (_from.Read() && _from.TokenType != JsonTokenType.EndArray)
                {
                    WriteValue(mask);
                }

                _to.WriteEndArray();
                break;
            case JsonTokenType.String:
                _to.WriteStringValue(Text());
                break;
            default:
                // A number keeps every digit, whether or not anything could hold it.
                _to.WriteRawValue(_from.ValueSpan, skipInputValidation: true);
                break;
        }
    }

    private void WriteMember(ContextMask.Member? mask)
    {
        var masked = Find(mask);
        if (masked is { Treatment: ContextMask.Treatment.Drop })
        {
            _from.Skip();
            return;
        }

        _to.WritePropertyName(Text());
        _from.Read();
        if (masked is { Treatment: ContextMask.Treatment.Hash })
        {
            WriteHash();
        }
        else
        {
            WriteValue(masked);
        }
    }

    private readonly ContextMask.Member? Find(ContextMask.Member? mask)
    {
        if (mask is not null)
        {
            foreach (var member in mask.Members)
            {
                if (_from.ValueTextEquals(member.Utf8))
                {
                    return member;
                }
            }
        }

        return null;
    }

    private void WriteHash()
    {
        Span<byte> hash = stackalloc byte[ContextMask.HashLength];
        if (_from.TokenType == JsonTokenType.String)
        {
            _mask!.Hash(Text(), hash);
        }
        else
        {
            // Texts by their characters, whatever their escapes; of everything else, the bytes as they came.
            var start = (int)_from.TokenStartIndex;
            _from.Skip();
            _mask!.Hash(_context[start..(int)_from.BytesConsumed], hash);
        }

        _to.WriteStringValue(hash);
    }

    // A name or a text without its escapes, good until the next one.
    private readonly ReadOnlySpan<byte> Text() => _from.ValueIsEscaped ? _room[.._from.CopyString(_room)] : _from.ValueSpan;
}
