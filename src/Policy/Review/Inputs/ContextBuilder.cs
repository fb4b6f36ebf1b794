using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansPolicy.Review.Inputs;

/// <summary>Builds a context from values at places. A place below another one's scalar wins over it.</summary>
internal static class ContextBuilder
{
    /// <summary>The longest list that is filled up so that a rule's <c>[n]</c> leads somewhere.</summary>
    private const int IndexMax = 1_000;

    /// <param name="values">The JSON text at each place; null where nothing is to be there.</param>
    public static JsonElement Build(IEnumerable<KeyValuePair<InputSlot, string?>> values)
    {
        JsonNode root = new JsonObject();
        foreach (var (slot, value) in values.Where(v => v.Value is not null).OrderBy(v => v.Key.Steps.Length))
        {
            root = Set(root, slot.Steps.AsSpan(), value!)!;
        }

        return JsonSerializer.SerializeToElement(root, PolicyJson.Options);
    }

    private static JsonNode? Set(JsonNode? node, ReadOnlySpan<object> steps, string value)
    {
        if (steps.IsEmpty)
        {
            return JsonNode.Parse(value);
        }

        if (steps[0] is string name)
        {
            var owner = node as JsonObject ?? [];
            var member = Set(Detached(owner[name]), steps[1..], value);
            owner[name] = member;
            return owner;
        }

        var list = node as JsonArray ?? [];
        var index = steps[0] is int given ? given : 0;
        if (index > IndexMax)
        {
            return list;
        }

        while (list.Count <= index)
        {
            list.Add(null);
        }

        list[index] = Set(Detached(list[index]), steps[1..], value);
        return list;
    }

    // A node has one owner: a copy may be put back where it was.
    private static JsonNode? Detached(JsonNode? node) => node?.DeepClone();
}
