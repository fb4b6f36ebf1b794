using System.Text.Json;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>Where a value stands in a JSON text, in bytes.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="End">Behind its end.</param>
/// <param name="NameStart">Where the name of a member begins; of anything else, the value.</param>
/// <param name="Kind">What it begins with.</param>
internal readonly record struct JsonPart(int Start, int End, int NameStart, JsonTokenType Kind)
{
    public bool IsMember => NameStart < Start;

    /// <summary>All values of a text, the outermost too; none where it is no JSON.</summary>
    public static List<JsonPart> Of(ReadOnlySpan<byte> json)
    {
        var parts = new List<JsonPart>();
        var open = new Stack<int>();
        var name = -1;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 200 });
            while (reader.Read())
            {
                var (start, end) = ((int)reader.TokenStartIndex, (int)reader.BytesConsumed);
                switch (reader.TokenType)
                {
                    case JsonTokenType.PropertyName:
                        name = start;
                        continue;
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        var opened = open.Pop();
                        parts[opened] = parts[opened] with { End = end };
                        continue;
                    case JsonTokenType.StartObject or JsonTokenType.StartArray:
                        open.Push(parts.Count);
                        break;
                }

                parts.Add(new JsonPart(start, end, name < 0 ? start : name, reader.TokenType));
                name = -1;
            }

            return parts;
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
