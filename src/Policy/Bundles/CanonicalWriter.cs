using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace OrleansPolicy.Bundles;

/// <summary>
/// Writes one JSON text in a canonical form in a single pass over its tokens. Members are written as they come and put in order
/// when their object ends, which costs nothing where they are in order already. Used once; what was written lasts until it is disposed of.
/// </summary>
internal sealed class CanonicalWriter(CanonicalDialect dialect, CanonicalOptions options) : IDisposable
{
    private readonly List<Member> members = [];
    private readonly ByteBuffer names = new(1024);
    private readonly byte[] omit = options.OmitMember is null ? [] : Encoding.UTF8.GetBytes(options.OmitMember);
    private readonly ByteBuffer output = new(0);
    private Comparison<Member>? compare;
    private Problem? problem;

    /// <summary>The canonical bytes, or the first problem.</summary>
    public Outcome<ReadOnlyMemory<byte>> Write(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return Outcome<ReadOnlyMemory<byte>>.Fail("json.malformed", "The text is not valid UTF-8.");
        }

        output.Reserve(json.Length);
        try
        {
            // One level more than we allow, so that our own check, which knows the path, speaks first.
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = BundleLimits.DepthMax + 1 });
            reader.Read();
            if (!WriteValue(ref reader, 1))
            {
                return Outcome<ReadOnlyMemory<byte>>.Fail([problem! with { Path = "$" + problem.Path }]);
            }

            reader.Read(); // Throws where anything follows.
            return Outcome<ReadOnlyMemory<byte>>.Ok(output.Written);
        }
        catch (JsonException e)
        {
            return Outcome<ReadOnlyMemory<byte>>.Fail("json.malformed", string.Create(
                CultureInfo.InvariantCulture, $"The text is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."));
        }
    }

    public void Dispose()
    {
        names.Dispose();
        output.Dispose();
    }

    private bool WriteValue(ref Utf8JsonReader reader, int depth)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return DepthIsAllowed(depth) && WriteObject(ref reader, depth);
            case JsonTokenType.StartArray:
                return DepthIsAllowed(depth) && WriteArray(ref reader, depth);
            case JsonTokenType.String:
                return WriteString(ref reader);
            case JsonTokenType.Number:
                return WriteNumber(reader.ValueSpan);
            default:
                output.Add(reader.ValueSpan); // true, false, null
                return true;
        }
    }

    private bool DepthIsAllowed(int depth) =>
        depth <= BundleLimits.DepthMax || Fail("json.depth", $"Objects and arrays nest deeper than {BundleLimits.DepthMax} levels.");

    private bool WriteArray(ref Utf8JsonReader reader, int depth)
    {
        output.Add((byte)'[');
        for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++)
        {
            if (index > 0)
            {
                output.Add((byte)',');
            }

            if (!WriteValue(ref reader, depth + 1))
            {
                return Within($"[{index}]");
            }
        }

        output.Add((byte)']');
        return true;
    }

    private bool WriteObject(ref Utf8JsonReader reader, int depth)
    {
        var firstMember = members.Count;
        var firstName = names.Count;
        output.Add((byte)'{');
        var contentStart = output.Count;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            if (!WriteMember(ref reader, depth, contentStart))
            {
                return false;
            }
        }

        var written = CollectionsMarshal.AsSpan(members)[firstMember..];
        if (!IsInOrder(written) && !PutInOrder(written, contentStart))
        {
            return false;
        }

        output.Add((byte)'}');
        members.RemoveRange(firstMember, members.Count - firstMember);
        names.CutTo(firstName);
        return true;
    }

    private bool WriteMember(ref Utf8JsonReader reader, int depth, int contentStart)
    {
        var before = output.Count;
        if (before > contentStart)
        {
            output.Add((byte)',');
        }

        var start = output.Count;
        var nameStart = names.Count;
        var nameLength = CopyText(ref reader, names);
        if (nameLength < 0)
        {
            return false;
        }

        names.Advance(nameLength);
        var name = names[nameStart, nameLength];
        WriteText(name);
        output.Add((byte)':');
        reader.Read();
        if (!WriteValue(ref reader, depth + 1))
        {
            return Within(PathSegment(names[nameStart, nameLength]));
        }

        if (depth == 1 && options.OmitMember is not null && names[nameStart, nameLength].SequenceEqual(omit))
        {
            output.CutTo(before);
            start = before;
        }

        members.Add(new Member(nameStart, nameLength, start, output.Count - start));
        return true;
    }

    private bool IsInOrder(ReadOnlySpan<Member> written)
    {
        for (var i = 1; i < written.Length; i++)
        {
            if (Compare(written[i - 1], written[i]) >= 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool PutInOrder(Span<Member> written, int contentStart)
    {
        written.Sort(compare ??= Compare);
        for (var i = 1; i < written.Length; i++)
        {
            if (Compare(written[i - 1], written[i]) == 0)
            {
                var segment = PathSegment(names[written[i].NameStart, written[i].NameLength]);
                Fail("json.duplicate_key", "The same member stands twice in one object.");
                return Within(segment);
            }
        }

        var length = output.Count - contentStart;
        var scratch = ArrayPool<byte>.Shared.Rent(length);
        output[contentStart, length].CopyTo(scratch);
        output.CutTo(contentStart);
        foreach (var member in written)
        {
            if (member.Length == 0)
            {
                continue; // Omitted.
            }

            if (output.Count > contentStart)
            {
                output.Add((byte)',');
            }

            output.Add(scratch.AsSpan(member.Start - contentStart, member.Length));
        }

        ArrayPool<byte>.Shared.Return(scratch);
        return true;
    }

    private int Compare(Member left, Member right)
    {
        var a = names[left.NameStart, left.NameLength];
        var b = names[right.NameStart, right.NameLength];
        var same = a.CommonPrefixLength(b);
        if (same == a.Length || same == b.Length)
        {
            return a.Length - b.Length;
        }

        // Bytes of UTF-8 compare as code points do. As UTF-16 units do, except that characters beyond U+FFFF (lead byte F0 and up)
        // are surrogates there and come before U+E000 to U+FFFF (lead bytes EE and EF).
        var (x, y) = (a[same], b[same]);
        return dialect == CanonicalDialect.Jcs && ((x >= 0xF0 && y is 0xEE or 0xEF) || (y >= 0xF0 && x is 0xEE or 0xEF)) ? y - x : x - y;
    }

    private bool WriteString(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            WriteText(reader.ValueSpan);
            return true;
        }

        var rented = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            var length = CopyText(ref reader, rented);
            if (length < 0)
            {
                return false;
            }

            WriteText(rented.AsSpan(0, length));
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private int CopyText(ref Utf8JsonReader reader, ByteBuffer target) => CopyText(ref reader, target.Reserve(reader.ValueSpan.Length));

    private int CopyText(ref Utf8JsonReader reader, Span<byte> target)
    {
        try
        {
            return reader.CopyString(target);
        }
        catch (InvalidOperationException)
        {
            // The text is valid UTF-8, so that only an escape can be at fault.
            Fail("json.surrogate", "A \\u escape names one half of a surrogate pair without the other.");
            return -1;
        }
    }

    private void WriteText(ReadOnlySpan<byte> text)
    {
        output.Add((byte)'"');
        while (text.Length > 0)
        {
            var plain = dialect == CanonicalDialect.Jcs ? text.IndexOfAny(EscapedInJcs) : text.IndexOfAnyExcept(PlainInPython);
            if (plain < 0)
            {
                output.Add(text);
                break;
            }

            output.Add(text[..plain]);
            Rune.DecodeFromUtf8(text[plain..], out var rune, out var length);
            WriteEscape(rune);
            text = text[(plain + length)..];
        }

        output.Add((byte)'"');
    }

    private void WriteEscape(Rune rune)
    {
        var shortForm = rune.Value switch
        {
            '"' => (byte)'"',
            '\\' => (byte)'\\',
            '\b' => (byte)'b',
            '\t' => (byte)'t',
            '\n' => (byte)'n',
            '\f' => (byte)'f',
            '\r' => (byte)'r',
            _ => (byte)0,
        };
        if (shortForm != 0)
        {
            output.Add((byte)'\\');
            output.Add(shortForm);
            return;
        }

        Span<char> units = stackalloc char[2];
        foreach (var unit in units[..rune.EncodeToUtf16(units)])
        {
            output.Add("\\u"u8);
            Utf8Formatter.TryFormat((uint)unit, output.Reserve(4), out _, new StandardFormat('x', 4));
            output.Advance(4);
        }
    }

    private bool WriteNumber(ReadOnlySpan<byte> token)
    {
        const int digitsAlwaysExact = 15;
        var isInteger = !token.ContainsAny((byte)'.', (byte)'e', (byte)'E');
        if (isInteger && (token.Length <= digitsAlwaysExact || dialect == CanonicalDialect.Python))
        {
            output.Add(token is [(byte)'-', (byte)'0'] ? "0"u8 : token);
            return true;
        }

        if (!double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            return Fail("json.number", "The number is too large for an IEEE double.");
        }

        if (options.ExactNumbers && !NumberText.IsExact(token, value))
        {
            return Fail("json.number_inexact", "The number changes when it is read as an IEEE double.");
        }

        var target = output.Reserve(NumberText.LengthMax);
        output.Advance(dialect == CanonicalDialect.Jcs ? NumberText.WriteEcmaScript(value, target) : NumberText.WritePython(value, target));
        return true;
    }

    private bool Fail(string code, string message)
    {
        problem = new Problem(code, message, "");
        return false;
    }

    private bool Within(string segment)
    {
        problem = problem! with { Path = segment + problem.Path };
        return false;
    }

    private static string PathSegment(ReadOnlySpan<byte> name) => JsonPath.Member(Encoding.UTF8.GetString(name));

    private static readonly SearchValues<byte> EscapedInJcs = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    private static readonly SearchValues<byte> PlainInPython = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(i => (byte)i).Where(b => b is not ((byte)'"' or (byte)'\\'))]);

    private readonly record struct Member(int NameStart, int NameLength, int Start, int Length);
}
