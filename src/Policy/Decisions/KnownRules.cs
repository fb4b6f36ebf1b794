using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// The rules of the bundle before, for the next one to take over what stands in it byte for byte: a change leaves most rules as they are,
/// and what is not read again is no garbage.
/// </summary>
internal sealed class KnownRules
{
    /// <summary>The largest table of places that is taken over. One that many bundles have added to is left behind with its rules.</summary>
    public const int PlacesMax = 20_000;

    // Some rules are taken out or change here and there: so far ahead it is looked for the rule after them.
    private const int AheadMax = 16;

    private readonly ImmutableArray<Rule> rules;
    private int next;

    private KnownRules(ImmutableArray<Rule> rules, PathTable paths)
    {
        this.rules = rules;
        Paths = paths;
    }

    /// <summary>The places that these rules look at. Rules that are read beside them must look at the same ones.</summary>
    public PathTable Paths { get; }

    /// <summary>The rules of the bundle before; null where there are none that would be read in the same way.</summary>
    public static KnownRules? Of(BundleReadOptions options, JsonElement data) =>
        options is { Strict: false, Previous: { Form: BundleForm.Native, Paths: { Count: <= PlacesMax } paths } previous } && AreWrittenAlike(previous.Data, data)
            ? new KnownRules(previous.Rules, paths)
            : null;

    /// <summary>The rule that was written like this; null where there was none nearby.</summary>
    public Rule? Find(JsonElement written, int position)
    {
        for (var i = next; i < Math.Min(rules.Length, next + AheadMax); i++)
        {
            if (AreWrittenAlike(rules[i].Source, written))
            {
                next = i + 1;
                return rules[i].Position == position ? rules[i] : RuleReader.Moved(rules[i], position);
            }
        }

        return null;
    }

    private static bool AreWrittenAlike(JsonElement one, JsonElement other) =>
        one.ValueKind == JsonValueKind.Undefined || other.ValueKind == JsonValueKind.Undefined
            ? one.ValueKind == other.ValueKind
            : JsonMarshal.GetRawUtf8Value(one).SequenceEqual(JsonMarshal.GetRawUtf8Value(other));
}
