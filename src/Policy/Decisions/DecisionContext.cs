using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// What is known about a request besides its capability: JSON, read once so that rules find its members without searching. It is an
/// object, or null, which has no members; decisions about anything else are denials. It has its own copy of the bytes and never changes;
/// any number of threads and decisions may use it at once. Of members with one name the last counts.
/// </summary>
[JsonConverter(typeof(DecisionContextJson))]
public sealed class DecisionContext
{
    /// <summary>How many levels of objects and lists a context has at most.</summary>
    public const int DepthMax = 64;

    // A thread keeps the room in which it notes values while it reads, up to this many.
    private const int RowsAtFirst = 64;
    private const int RowsKept = 1024;

    [ThreadStatic]
    private static Row[]? room;

    private readonly byte[] bytes;
    private readonly int length;

    // Every value in the order of the text, so that the members of an object or list follow it; and for the members of objects a hash
    // table, the last of each bucket first.
    private readonly Row[] rows;
    private readonly int[] buckets;

    private DecisionContext(byte[] bytes, int length, Row[] rows, int[] buckets)
    {
        this.bytes = bytes;
        this.length = length;
        this.rows = rows;
        this.buckets = buckets;
        Fault = bytes[rows[0].Start] is (byte)'{' or (byte)'n' ? null : "context is no object";
    }

    // Its only row is no value: for rules there is no context at all.
    private DecisionContext(string? fault)
        : this([(byte)'{', (byte)'}'], fault is null ? 2 : 0, [new Row { Parent = -1, End = 1, NameLength = -1 }], new int[1])
    {
        Fault = fault;
    }

    /// <summary>No context: without members, and for a rule about <c>context</c> itself absent.</summary>
    public static DecisionContext Empty { get; } = new(fault: null);

    /// <summary>
    /// The JSON as it was given, with comments and trailing commas where who parsed it allowed them; <c>{}</c> where there was none,
    /// and nothing where it cannot be read.
    /// </summary>
    public ReadOnlySpan<byte> Utf8 => bytes.AsSpan(0, length);

    /// <summary>The memory that it takes, in bytes: its text, and some forty for each value.</summary>
    internal int Size => bytes.Length + (Unsafe.SizeOf<Row>() * rows.Length) + (sizeof(int) * buckets.Length);

    /// <summary>Why nothing can be decided about it; null: something can.</summary>
    internal string? Fault { get; }

    /// <summary>Reads JSON in UTF-8.</summary>
    /// <param name="utf8">The JSON. It is copied.</param>
    /// <exception cref="JsonException">It is no JSON, or deeper than <see cref="DepthMax"/>.</exception>
    public static DecisionContext Parse(ReadOnlySpan<byte> utf8) => Read(utf8, new JsonReaderOptions { MaxDepth = DepthMax });

    /// <summary>
    /// Reads JSON that was parsed already; undefined is no context. Never throws: decisions about what cannot be read, such as a value of
    /// a document that was disposed, are denials that say so.
    /// </summary>
    public static DecisionContext FromJsonElement(JsonElement json)
    {
        try
        {
            // Whoever parsed it may have allowed more than JSON.
            return json.ValueKind == JsonValueKind.Undefined
                ? Empty
                : Read(JsonMarshal.GetRawUtf8Value(json), new JsonReaderOptions { MaxDepth = DepthMax, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A document that another thread disposes meanwhile makes any of them.
            return new DecisionContext("context cannot be read: " + e.Message);
        }
    }

    /// <summary>The same as <see cref="FromJsonElement"/>.</summary>
    public static implicit operator DecisionContext(JsonElement json) => FromJsonElement(json);

    /// <summary>The JSON of a value.</summary>
    internal ReadOnlySpan<byte> Read(int row, out bool isEscaped)
    {
        ref readonly var value = ref rows[row];
        isEscaped = value.IsEscaped;
        return bytes.AsSpan(value.Start, value.Length);
    }

    /// <summary>The name of an object's member, without escapes.</summary>
    /// <exception cref="ArgumentException">It is no text: it has half a surrogate pair.</exception>
    internal ReadOnlySpan<byte> Name(int row) => bytes.AsSpan(rows[row].NameStart, rows[row].NameLength);

    /// <summary>The first row behind a value and all that is in it.</summary>
    internal int End(int row) => rows[row].End;

    /// <summary>A member of an object; negative where there is none.</summary>
    internal int Member(int parent, in MemberName name)
    {
        var utf8 = name.Utf8;
        for (var at = buckets[Bucket(parent, name.Hash, buckets.Length)] - 1; at >= 0; at = rows[at].Next)
        {
            ref readonly var row = ref rows[at];
            if (row.Key == name.Key && row.Parent == parent && row.NameLength == utf8.Length
                && (name.IsKey || bytes.AsSpan(row.NameStart, utf8.Length).SequenceEqual(utf8)))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>A member of a list; negative where there is none.</summary>
    internal int Element(int list, int index)
    {
        if (bytes[rows[list].Start] != (byte)'[')
        {
            return -1;
        }

        var (at, end) = (list + 1, rows[list].End);
        for (; index > 0 && at < end; index--)
        {
            at = rows[at].End;
        }

        return at < end ? at : -1;
    }

    private static DecisionContext Read(ReadOnlySpan<byte> utf8, JsonReaderOptions options)
    {
        var (bytes, end) = (utf8.ToArray(), utf8.Length);
        var found = room ?? new Row[RowsAtFirst];
        room = null;
        var json = new Utf8JsonReader(bytes, options);
        var (count, members, parent) = (0, 0, -1);
        var (nameStart, nameLength, key) = (0, -1, 0UL);
        while (json.Read())
        {
            switch (json.TokenType)
            {
                case JsonTokenType.PropertyName:
                    (nameStart, nameLength) = json.ValueIsEscaped ? Unescape(json, ref bytes, ref end) : ((int)json.TokenStartIndex + 1, json.ValueSpan.Length);
                    key = nameLength < 0 ? 0 : MemberName.KeyOf(bytes.AsSpan(nameStart, nameLength));
                    members++;
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    ref var whole = ref found[parent];
                    whole.Length = (int)json.BytesConsumed - whole.Start;
                    whole.End = count;
                    parent = whole.Parent;
                    break;
                default:
                    if (count == found.Length)
                    {
                        Array.Resize(ref found, 2 * count);
                    }

                    ref var value = ref found[count++];
                    value.Key = key;
                    value.NameStart = nameStart;
                    value.NameLength = nameLength;
                    value.Parent = parent;
                    value.Start = (int)json.TokenStartIndex;
                    value.Length = (int)json.BytesConsumed - value.Start;
                    value.End = count;
                    value.IsEscaped = json.ValueIsEscaped;
                    nameLength = -1;
                    parent = json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray ? count - 1 : parent;
                    break;
            }
        }

        var rows = found.AsSpan(0, count).ToArray();
        room = found.Length <= RowsKept ? found : null;
        return new DecisionContext(bytes, utf8.Length, rows, Bucketed(rows, members));
    }

    private static int[] Bucketed(Row[] rows, int members)
    {
        var buckets = new int[BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, members))];
        for (var i = 0; i < rows.Length; i++)
        {
            ref var row = ref rows[i];
            if (row.NameLength >= 0)
            {
                ref var bucket = ref buckets[Bucket(row.Parent, MemberName.HashOf(row.Key, row.NameLength), buckets.Length)];
                row.Next = bucket - 1;
                bucket = i + 1;
            }
        }

        return buckets;
    }

    private static int Bucket(int parent, ulong hash, int count) => (int)((hash + ((uint)parent * MemberName.Spread)) >> 32) & (count - 1);

    // Puts the name behind all else, where there is room for all of them at once: none is longer without its escapes. One that is no
    // text is no rule's: no length.
    private static (int Start, int Length) Unescape(in Utf8JsonReader json, ref byte[] bytes, ref int end)
    {
        if (!MemberName.IsText(json.ValueSpan))
        {
            return (0, -1);
        }

        if (end == bytes.Length)
        {
            Array.Resize(ref bytes, 2 * end);
        }

        var start = end;
        end += json.CopyString(bytes.AsSpan(start));
        return (start, end - start);
    }

    private struct Row
    {
        public ulong Key;
        public int NameStart;
        public int NameLength; // Negative for what is no member of an object.
        public int Parent;
        public int Start;
        public int Length;
        public int End;
        public int Next;
        public bool IsEscaped;
    }
}
