using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Reads the paths of one bundle: <c>capability_id</c>, or a walk through <c>context</c> by names, list positions and <c>[*]</c>
/// (any member of a list): <c>context.request.headers["x-env"]</c>, <c>context.roles[0]</c>, <c>context.items[*].price</c>.
/// </summary>
internal sealed class PathTable
{
    /// <summary>The longest path, in characters.</summary>
    public const int LengthMax = 512;

    private readonly Dictionary<string, InputPath> places = new(StringComparer.Ordinal);

    // Rules look at the same few places again and again.
    private readonly Dictionary<string, PathPattern?> patterns = new(StringComparer.Ordinal);

    public PathTable()
    {
        Context = InputPath.Context();
        places[Context.Text] = Context;
        RiskLevel = Place("action_envelope", "risk_level");
    }

    /// <summary>The place whose value every decision gives back.</summary>
    public InputPath RiskLevel { get; }

    /// <summary>How much is in it.</summary>
    public int Count => places.Count + patterns.Count;

    /// <summary>The context itself.</summary>
    public InputPath Context { get; }

    /// <summary>The place of these names.</summary>
    public InputPath Place(params ReadOnlySpan<string> names)
    {
        var place = Context;
        foreach (var name in names)
        {
            place = Member(place, "." + name, name);
        }

        return place;
    }

    /// <summary>Null where the text is no path.</summary>
    public PathPattern? TryParse(JsonElement text)
    {
        var written = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        Span<char> chars = stackalloc char[LengthMax];
        if (written.Length <= LengthMax
            && !written.Contains((byte)'\\')
            && patterns.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..Encoding.UTF8.GetChars(written, chars)], out var known))
        {
            return known;
        }

        var path = text.GetString()!;
        return patterns.TryGetValue(path, out known) ? known : patterns[path] = ParseNew(path);
    }

    private PathPattern? ParseNew(string text)
    {
        if (text == "capability_id")
        {
            return new PathPattern(text, null, []);
        }

        if (text.Length > LengthMax || !text.StartsWith(Context.Text, StringComparison.Ordinal))
        {
            return null;
        }

        var place = Context;
        var rests = new List<List<InputPath>>();
        var rest = text.AsSpan(Context.Text.Length);
        while (rest.Length > 0)
        {
            if (rest.StartsWith("[*]"))
            {
                rests.Add([]);
                rest = rest[3..];
                continue;
            }

            if (!TryReadStep(ref rest, rests.Count == 0 ? place : Context, out var step))
            {
                return null;
            }

            // Behind [*] nothing is remembered: only the last step of such a place counts.
            place = rests.Count == 0 ? step : place;
            rests.LastOrDefault()?.Add(step);
        }

        return new PathPattern(text, place, [.. rests.Select(r => r.ToImmutableArray())]);
    }

    private bool TryReadStep(ref ReadOnlySpan<char> rest, InputPath parent, [NotNullWhen(true)] out InputPath? step)
    {
        step = null;
        var end = 0;
        if (rest[0] == '.')
        {
            end = rest[1..].IndexOfAny('.', '[');
            end = end < 0 ? rest.Length : end + 1;
            var name = rest[1..end];
            step = name.Length > 0 && !name.ContainsAny("]\" ") ? Member(parent, rest[..end], name) : null;
        }
        else if (rest.StartsWith("[\"") && rest.IndexOf("\"]") is > 2 and var quote)
        {
            end = quote + 2;
            step = Member(parent, rest[..end], rest[2..quote]);
        }
        else if (rest[0] == '[' && rest.IndexOf(']') is > 1 and <= 7 and var bracket && !rest[1..bracket].ContainsAnyExceptInRange('0', '9'))
        {
            end = bracket + 1;
            step = Element(parent, rest[..end], int.Parse(rest[1..bracket], CultureInfo.InvariantCulture));
        }

        rest = rest[end..];
        return step is not null;
    }

    private InputPath Member(InputPath parent, ReadOnlySpan<char> written, ReadOnlySpan<char> name)
    {
        var text = string.Concat(parent.Text, written);
        return places.TryGetValue(text, out var known) ? known : places[text] = InputPath.Member(parent, text, name.ToString());
    }

    private InputPath Element(InputPath parent, ReadOnlySpan<char> written, int index)
    {
        var text = string.Concat(parent.Text, written);
        return places.TryGetValue(text, out var known) ? known : places[text] = InputPath.Element(parent, text, index);
    }
}
