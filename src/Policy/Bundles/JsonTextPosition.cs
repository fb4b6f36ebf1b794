using System.Globalization;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Bundles;

/// <summary>A place in a JSON text, for people: editors count lines and columns from 1.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column in characters, from 1.</param>
public readonly record struct JsonTextPosition(int Line, int Column)
{
    /// <summary>
    /// Where in a text a path stands: its value; where the text has no such place, the nearest one around it. Null for a text that is no
    /// JSON, and for a path that is none.
    /// </summary>
    /// <param name="utf8">The text, in UTF-8.</param>
    /// <param name="path">A path as problems name it, such as <c>$.wedge_stages[1].target_percentage</c>.</param>
    public static JsonTextPosition? Find(ReadOnlySpan<byte> utf8, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (ReadSteps(path) is not { } steps)
        {
            return null;
        }

        try
        {
            var reader = new Utf8JsonReader(utf8);
            reader.Read();
            return At(utf8, Walk(ref reader, steps));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a name with half a surrogate pair.
            return null;
        }
    }

    // The reader stands on a value; the answer is where the deepest value begins that the steps lead to.
    private static int Walk(ref Utf8JsonReader reader, ReadOnlySpan<Step> steps)
    {
        var here = (int)reader.TokenStartIndex;
        while (!steps.IsEmpty)
        {
            var step = steps[0];
            var expected = step.Name is null ? JsonTokenType.StartArray : JsonTokenType.StartObject;
            if (reader.TokenType != expected || !Enter(ref reader, step))
            {
                return here;
            }

            here = (int)reader.TokenStartIndex;
            steps = steps[1..];
        }

        return here;
    }

    private static bool Enter(ref Utf8JsonReader reader, Step step)
    {
        for (var index = 0; reader.Read() && reader.TokenType is not (JsonTokenType.EndArray or JsonTokenType.EndObject); index++)
        {
            var isIt = step.Name is { } name ? reader.ValueTextEquals(name) : index == step.Index;
            if (step.Name is not null)
            {
                reader.Read();
            }

            if (isIt)
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    private static JsonTextPosition At(ReadOnlySpan<byte> text, int index)
    {
        var before = text[..index];
        var line = before.Count((byte)'\n') + 1;
        return new JsonTextPosition(line, Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1);
    }

    // The steps of a path as JsonPath writes it; null: it is none.
    private static Step[]? ReadSteps(string path)
    {
        if (!path.StartsWith('$'))
        {
            return null;
        }

        var steps = new List<Step>();
        for (var at = 1; at < path.Length;)
        {
            var step = path[at] == '.' ? ReadName(path, ref at)
                : path.AsSpan(at).StartsWith("[\"") ? ReadQuoted(path, ref at)
                : ReadIndex(path, ref at);
            if (step is null)
            {
                return null;
            }

            steps.Add(step);
        }

        return [.. steps];
    }

    private static Step? ReadName(string path, ref int at)
    {
        var rest = path.AsSpan(at + 1);
        var length = rest.IndexOfAny('.', '[') is var end and >= 0 ? end : rest.Length;
        at += 1 + length;
        return length == 0 ? null : new Step(rest[..length].ToString(), -1);
    }

    private static Step? ReadQuoted(string path, ref int at)
    {
        var name = new StringBuilder();
        for (var i = at + 2; i < path.Length; i++)
        {
            if (path[i] == '"')
            {
                at = i + 2;
                return path.AsSpan(i).StartsWith("\"]") ? new Step(name.ToString(), -1) : null;
            }

            i += path[i] == '\\' && i + 1 < path.Length ? 1 : 0;
            name.Append(path[i]);
        }

        return null;
    }

    private static Step? ReadIndex(string path, ref int at)
    {
        var rest = path.AsSpan(at);
        var end = rest.IndexOf(']');
        if (rest[0] != '[' || end < 0 || !int.TryParse(rest[1..end], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return null;
        }

        at += end + 1;
        return new Step(null, index);
    }

    private sealed record Step(string? Name, int Index);
}
