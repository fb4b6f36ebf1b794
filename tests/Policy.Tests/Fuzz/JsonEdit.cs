using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>One change to a JSON text: of its structure where it has one, else of its bytes.</summary>
/// <param name="Kind">Which change.</param>
/// <param name="Place">Where, as a number that is taken modulo the number of places.</param>
/// <param name="Choice">With what, likewise.</param>
internal readonly record struct JsonEdit(int Kind, int Place, int Choice)
{
    private const int Structural = 12;
    private const int Bytewise = 7;

    private static readonly byte[][] Values = Bytes(
        "null", "true", "false", "0", "-0", "-1", "5", "0.5", "1e999", "-1e999", "1e-999", "5e-324", "1.7976931348623157e308", "9007199254740993", "18446744073709551616",
        "1E400", "100.000000000000000000000000001", "99.99999999999999999999999999", "2147483648", "\"\"", "\" \"", "\"a\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"", "\"\\uffff\"", "\"é😀\"",
        "[]", "{}", "[[]]", "[null]", "[{}]", "{\"a\":{}}", "{\"a\":1,\"a\":1}", "{\"\":1}", "{\"$ref\":\"#\"}", "{\"$ref\":\"#/$defs/n\"}", "{\"path\":\"context.a[*].b\",\"eq\":1}",
        "{\"data\":\"x\"}", "{\"path\":\"context.subject.id\"}", "\"rules\"", "\"document\"", "\"allow\"", "\"deny\"", "\"require_confirmation\"", "\"1.0.0\"", "\"01.0\"", "\"2026-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59.9999999+14:00\"", "\"0001-01-01T00:00:00+14:00\"", "\"Europe/Berlin\"", "\"22:00\"", "\"24:00\"", "\"10.0.0.0/8\"", "\"::1/129\"", "\"(a+)+$\"", "\"(a|a)*\\\\1\"", "\"[\"", "\"*?*\"",
        "\"ES256\"", "\"PS256\"", "\"retired\"", "\"compromised\"", "\"tag:golden@edge\"", "\"edge\"", "\"error_rate < 1%\"", "\"error_rate < 1e999%\"", "\"linear\"", "\"PENDING\"", "\"viewer\"",
        "{\"count\":-1,\"sum\":1e308}", "{\"count\":9223372036854775807,\"sum\":0}");

    private static readonly byte[][] Names = Bytes(
        "", "a", "id", "match", "decision", "any", "all", "not", "path", "regex", "glob", "cidr", "in", "time_window", "priority", "enabled", "effect", "conditions", "signature", "signatures", "metadata",
        "policies", "data", "document", "schema", "kind", "default_effect", "sequence", "expires_at", "$ref", "$defs", "pattern", "properties", "oneOf", "uniqueItems", "key_id", "state", "threshold", "version",
        "wedge_stages", "caps", "per_domain", "inputs", "context", "now", "labels", "reload", "metrics");

    private static readonly byte[][] Pieces = Bytes("\"", "{", "}", "[", "]", ",", ":", "\\", "\\ud83d", "null", "e", "-", ".", "0", "\"a\":", " ", "\n", "/*", "é", "\ufeff");

    private static readonly byte[][] NoText = [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x00], [0x80], [0x1F]];

    /// <summary>Edits of every kind, those of the structure twice as often.</summary>
    public static Gen<JsonEdit> Any { get; } =
        from kind in Gen.Choose(0, (2 * Structural) + Bytewise - 1)
        from place in Gen.Choose(0, 1_000_000)
        from choice in Gen.Choose(0, 1_000_000)
        select new JsonEdit(kind, place, choice);

    /// <summary>The text after the edit.</summary>
    public byte[] Apply(byte[] json)
    {
        if (Kind < 2 * Structural && JsonPart.Of(json) is { Count: > 0 } parts)
        {
            return ApplyTo(json, parts, parts[Place % parts.Count]);
        }

        var at = Place % (json.Length + 1);
        var end = Math.Min(json.Length, at + 1 + (Choice % 12));
        return (Kind % Bytewise) switch
        {
            0 => json[..at],
            1 => at == json.Length ? json : [.. json[..at], (byte)(json[at] ^ (1 << (Choice % 8))), .. json[(at + 1)..]],
            2 => Replaced(json, at, at, NoText[Choice % NoText.Length]),
            3 => Replaced(json, at, end, []),
            4 => Replaced(json, at, at, Pieces[Choice % Pieces.Length]),
            5 => Replaced(json, at, end, Pieces[Choice % Pieces.Length]),
            _ => Replaced(json, at, at, json.AsSpan(at, end - at)),
        };
    }

    private byte[] ApplyTo(byte[] json, List<JsonPart> parts, JsonPart part)
    {
        var value = json[part.Start..part.End];
        var other = parts[Choice % parts.Count];
        switch (Kind % Structural)
        {
            case 0 or 1:
                return Replaced(json, part.Start, part.End, Values[Choice % Values.Length]);
            case 2:
                return Replaced(json, part.Start, part.End, json.AsSpan(other.Start, other.End - other.Start));
            case 3:
                return Removed(json, part);
            case 4: // Twice, as it stands.
                return part.Start == 0 ? json : Replaced(json, part.End, part.End, [(byte)',', .. json[part.NameStart..part.End]]);
            case 5 when part.IsMember: // Twice, the second time with another spelling of the same name or another value.
                return Replaced(json, part.End, part.End, [.. ",\"\\u00"u8, .. Encoding.ASCII.GetBytes($"{json[part.NameStart + 1]:x2}"), .. json[(part.NameStart + 2)..part.Start], .. Values[Choice % Values.Length]]);
            case 6 when part.IsMember:
                return Replaced(json, part.NameStart, part.Start, [(byte)'"', .. Names[Choice % Names.Length], .. "\":"u8]);
            case 7 when part.IsMember && other.IsMember: // Under another member's name.
                return Replaced(json, part.NameStart, part.Start, json.AsSpan(other.NameStart, other.Start - other.NameStart));
            case 8:
                return Replaced(json, part.Start, part.End, Nested(value, 1 + (Choice % 90)));
            case 9:
                return Replaced(json, part.Start, part.End, Grown(value, Choice));
            case 10 when part.Kind == JsonTokenType.String && value.Length > 2: // One letter of a text; of a signature too.
                var letter = 1 + (Choice % (value.Length - 2));
                return Replaced(json, part.Start + letter, part.Start + letter + 1, [(byte)"AQgw/+=0z "[Choice % 10]]);
            case 11 when part.Kind is JsonTokenType.StartObject or JsonTokenType.StartArray:
                return Replaced(json, part.Start + 1, part.Start + 1, part.Kind == JsonTokenType.StartArray
                    ? [.. Values[Choice % Values.Length], .. value.Length > 2 ? ","u8 : []]
                    : [(byte)'"', .. Names[Choice % Names.Length], .. "\":"u8, .. Values[Place % Values.Length], .. value.Length > 2 ? ","u8 : []]);
            default:
                return Replaced(json, part.Start, part.End, Values[Choice % Values.Length]);
        }
    }

    private static byte[] Removed(byte[] json, JsonPart part)
    {
        // With the comma behind it, or the one before.
        var (start, end) = (part.NameStart, part.End);
        while (end < json.Length && json[end] is (byte)' ' or (byte)'\n')
        {
            end++;
        }

        if (end < json.Length && json[end] == (byte)',')
        {
            return Replaced(json, start, end + 1, []);
        }

        var comma = json.AsSpan(0, start).TrimEnd(" \n"u8);
        return Replaced(json, comma is [.., (byte)','] ? comma.Length - 1 : start, part.End, []);
    }

    private static byte[] Nested(byte[] value, int depth) => depth % 2 == 0
        ? [.. Enumerable.Repeat((byte)'[', depth), .. value, .. Enumerable.Repeat((byte)']', depth)]
        : [.. Enumerable.Repeat("{\"a\":"u8.ToArray(), depth).SelectMany(b => b), .. value, .. Enumerable.Repeat((byte)'}', depth)];

    private static byte[] Grown(byte[] value, int choice) => value switch
    {
        [(byte)'"', ..] => [.. value[..^1], .. Enumerable.Repeat("a*.\\u0000é["u8.ToArray(), choice % 200).SelectMany(b => b), (byte)'"'],
        [(byte)'[', _, _, ..] => [.. value[..^1], (byte)',', .. Enumerable.Repeat("0,"u8.ToArray(), choice % 200).SelectMany(b => b), .. "0]"u8],
        [(>= (byte)'0' and <= (byte)'9') or (byte)'-', ..] => [.. value, .. Enumerable.Repeat((byte)'0', choice % 400)],
        _ => [(byte)'[', .. value, (byte)',', .. value, (byte)']'],
    };

    private static byte[] Replaced(byte[] json, int start, int end, ReadOnlySpan<byte> by) => [.. json.AsSpan(0, start), .. by, .. json.AsSpan(end)];

    private static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
