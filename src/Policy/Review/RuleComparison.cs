using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Compares the rules of two bundles: by their ids, and where they have none by what they say.</summary>
public static class RuleComparison
{
    /// <summary>Everything that differs.</summary>
    public static RuleDiff Compare(Bundle before, Bundle after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var pairs = RulePairs.Of(before.Rules, after.Rules);
        var data = JsonDiff.Compare(DataOf(before), DataOf(after));
        var changedData = data.Select(d => EntryOf(d.Path)).Distinct().ToArray();
        return new RuleDiff
        {
            Bundle = [.. CompareDefaults(before, after), .. data],
            Added = [.. pairs.Added.Select(Summary)],
            Removed = [.. pairs.Removed.Select(Summary)],
            Changed = [.. pairs.Common.Select(pair => Change(pair.Before, pair.After, changedData)).Where(c => !c.Fields.IsEmpty || !c.Data.IsEmpty)],
            Moved = RuleMoves.Of(pairs.Common),
        };
    }

    private static RuleChange Change(Rule before, Rule after, string[] changedData)
    {
        var references = References(after.Source).Concat(References(before.Source)).ToHashSet(StringComparer.Ordinal);
        return new RuleChange(
            after.Id,
            JsonDiff.Compare(before.Source, after.Source),
            [.. changedData.Where(entry => references.Any(r => r == entry["data.".Length..] || r.StartsWith(entry["data.".Length..] + ".", StringComparison.Ordinal)))]);
    }

    private static ImmutableArray<FieldChange> CompareDefaults(Bundle before, Bundle after) => JsonDiff.Compare(
        JsonSerializer.SerializeToElement(new { before.Metadata.DefaultEffect }, PolicyJson.Options),
        JsonSerializer.SerializeToElement(new { after.Metadata.DefaultEffect }, PolicyJson.Options));

    private static JsonElement DataOf(Bundle bundle) => JsonSerializer.SerializeToElement(
        new Dictionary<string, JsonElement?> { ["data"] = bundle.Data.ValueKind == JsonValueKind.Undefined ? JsonElement.Parse("{}") : bundle.Data }, PolicyJson.Options);

    // data.networks.blocked[2] is the entry data.networks.blocked.
    private static string EntryOf(string path) => path.IndexOf('[') is >= 0 and var at ? path[..at] : path;

    private static IEnumerable<string> References(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().SelectMany(References),
        JsonValueKind.Object when value.TryGetProperty("data", out var name) && name.ValueKind == JsonValueKind.String => [name.GetString()!],
        JsonValueKind.Object => value.EnumerateObject().SelectMany(m => References(m.Value)),
        _ => [],
    };

    private static RuleSummary Summary(Rule rule) => new(rule.Id, rule.Position, rule.Priority, rule.Enabled, rule.Effect, rule.Reason);
}
