using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Review;

/// <summary>Compares two JSON values, as deep down as they are alike.</summary>
internal static class JsonDiff
{
    public static ImmutableArray<FieldChange> Compare(JsonElement before, JsonElement after)
    {
        var changes = ImmutableArray.CreateBuilder<FieldChange>();
        Compare("", before, after, changes);
        return changes.ToImmutable();
    }

    private static void Compare(string path, JsonElement before, JsonElement after, ImmutableArray<FieldChange>.Builder changes)
    {
        if (before.ValueKind == JsonValueKind.Object && after.ValueKind == JsonValueKind.Object)
        {
            foreach (var name in before.EnumerateObject().Concat(after.EnumerateObject()).Select(m => m.Name).Distinct())
            {
                Compare(
                    path.Length == 0 ? JsonPath.Member(name).TrimStart('.') : path + JsonPath.Member(name),
                    before.TryGetProperty(name, out var old) ? old : default, after.TryGetProperty(name, out var next) ? next : default, changes);
            }
        }
        else if (before.ValueKind == JsonValueKind.Array && after.ValueKind == JsonValueKind.Array)
        {
            CompareLists(path, before, after, changes);
        }
        else if (before.ValueKind != after.ValueKind || (before.ValueKind != JsonValueKind.Undefined && !JsonElement.DeepEquals(before, after)))
        {
            changes.Add(new FieldChange(path, Given(before), Given(after)));
        }
    }

    private static void CompareLists(string path, JsonElement before, JsonElement after, ImmutableArray<FieldChange>.Builder changes)
    {
        var (old, next) = (before.EnumerateArray().ToArray(), after.EnumerateArray().ToArray());
        if (old.Length == next.Length)
        {
            for (var i = 0; i < old.Length; i++)
            {
                Compare(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), old[i], next[i], changes);
            }

            return;
        }

        // What both have is left out, in whatever order: what was added and what was taken out is what a reader looks for.
        changes.AddRange(Missing(old, next).Select(o => new FieldChange(path + "[]", o, null)));
        changes.AddRange(Missing(next, old).Select(n => new FieldChange(path + "[]", null, n)));
    }

    private static IEnumerable<JsonElement> Missing(JsonElement[] from, JsonElement[] others)
    {
        var left = others.ToList();
        foreach (var value in from)
        {
            var at = left.FindIndex(o => JsonElement.DeepEquals(o, value));
            if (at >= 0)
            {
                left.RemoveAt(at);
            }
            else
            {
                yield return value;
            }
        }
    }

    private static JsonElement? Given(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? null : value;
}
