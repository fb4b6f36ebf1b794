using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Decisions;

/// <summary>Reads the rules of native bundles and of bare lists: our own <c>{id, effect, match}</c> and unison's <c>{match, decision}</c>.</summary>
internal static class RuleReader
{
    /// <summary>The longest texts of a rule: ids, reasons and alternatives.</summary>
    public const int TextLengthMax = 1_000;

    private static readonly HashSet<string> NativeFields =
        ["id", "description", "priority", "enabled", "effect", "match", "reason", "suggested_alternative", "tags"];

    private static readonly HashSet<string> UnisonFields = ["id", "description", "priority", "enabled", "match", "decision"];

    private static readonly HashSet<string> DecisionFields = ["action", "reason", "suggested_alternative"];

    private static readonly (byte[] Text, RuleEffect Effect)[] Effects =
        [("allow"u8.ToArray(), RuleEffect.Allow), ("deny"u8.ToArray(), RuleEffect.Deny), ("require_confirmation"u8.ToArray(), RuleEffect.RequireConfirmation)];

    /// <summary>Reads a list; notes an empty or overlong one and ids that stand twice.</summary>
    /// <param name="list">The rules.</param>
    /// <param name="path">Where they stand.</param>
    /// <param name="context">What reading them shares.</param>
    /// <param name="known">Rules that were read before; null: none were.</param>
    public static ImmutableArray<Rule> ReadAll(JsonElement list, JsonPlace path, RuleReadContext context, KnownRules? known)
    {
        if (list.GetArrayLength() is var count && count is 0 or > BundleLimits.RulesMax)
        {
            var code = count == 0 ? "bundle.empty" : "bundle.too_many_rules";
            context.Refuse(code, $"A bundle has 1 to {BundleLimits.RulesMax} rules, this one has {count}.", path);
            return [];
        }

        var rules = ImmutableArray.CreateBuilder<Rule>(count);
        var ids = new HashSet<string>(count, StringComparer.Ordinal);
        lock (context.Paths)
        {
            // Bundles that are read at the same time may share the places of the one before them. A clone of what is not passing is itself.
            foreach (var element in list.EnumerateArray())
            {
                var rule = known?.Find(element, rules.Count) ?? Read(element.Clone(), rules.Count, path.Item(rules.Count), context);
                if (!ids.Add(rule.Id))
                {
                    context.Refuse("bundle.rule.id_duplicate", $"Another rule has the id {rule.Id}.", path.Item(rules.Count).Member("id"));
                }

                rules.Add(rule);
            }
        }

        return rules.MoveToImmutable();
    }

    /// <summary>A rule as it is read at another position, after which one without an id is named.</summary>
    internal static Rule Moved(Rule rule, int position) => rule with
    {
        Position = position,
        Id = rule.Source.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && !id.ValueEquals("") ? rule.Id : NameOf(position),
    };

    private static Rule Read(JsonElement element, int position, JsonPlace path, RuleReadContext context)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            context.Refuse("bundle.rule.type", "A rule is an object.", path);
            return new Rule { Id = NameOf(position), Position = position, Effect = RuleEffect.Deny, Reason = "" };
        }

        var isUnison = element.TryGetProperty("decision", out var decision);
        if (isUnison && element.TryGetProperty("effect", out _))
        {
            context.Refuse("bundle.rule.form", "A rule has an effect or a decision, not both.", path);
        }

        RuleFields.RefuseUnknown(element, isUnison ? UnisonFields : NativeFields, path, context);
        var match = RuleFields.Optional(element, "match", JsonValueKind.Object, "bundle.rule.match", path, context);
        var answer = isUnison ? ReadDecision(decision, path.Member("decision"), context) : ReadEffect(element, path, context);
        return new Rule
        {
            Id = ReadId(element, isUnison, position, path, context),
            Position = position,
            Priority = ReadPriority(element, path, context),
            Enabled = RuleFields.Flag(element, "enabled", true, path, context),
            Effect = answer.Effect,
            Reason = answer.Reason ?? "rule:" + MatchReader.IntentPrefixText(match),
            SuggestedAlternative = answer.SuggestedAlternative,
            Source = element,
            Conditions = match.ValueKind == JsonValueKind.Object
                ? new MatchReader(context, isNative: !isUnison).Read(match, path.Member("match"))
                : [],
        };
    }

    private static Answer ReadEffect(JsonElement rule, JsonPlace path, RuleReadContext context) => new(
        ReadEffect(rule, "effect", "bundle.rule.effect", path, context),
        RuleFields.Text(rule, "reason", path, context),
        RuleFields.Text(rule, "suggested_alternative", path, context));

    private static Answer ReadDecision(JsonElement decision, JsonPlace path, RuleReadContext context)
    {
        if (decision.ValueKind != JsonValueKind.Object)
        {
            context.Refuse("bundle.rule.decision", "A decision is an object.", path);
            return new Answer(RuleEffect.Deny, "", null);
        }

        if (context.Strict)
        {
            RuleFields.RefuseUnknown(decision, DecisionFields, path, context);
        }

        return new Answer(
            ReadEffect(decision, "action", "bundle.rule.action", path, context),
            RuleFields.Text(decision, "reason", path, context),
            RuleFields.Text(decision, "suggested_alternative", path, context));
    }

    /// <summary>An effect, or deny and a problem where it is missing or unknown.</summary>
    internal static RuleEffect ReadEffect(JsonElement owner, string name, string code, JsonPlace path, RuleReadContext context)
    {
        if (owner.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
        {
            foreach (var (text, effect) in Effects)
            {
                if (value.ValueEquals(text))
                {
                    return effect;
                }
            }
        }

        context.Refuse(code, $"{name} is allow, deny or require_confirmation.", path.Member(name));
        return RuleEffect.Deny;
    }

    private static string ReadId(JsonElement rule, bool isUnison, int position, JsonPlace path, RuleReadContext context)
    {
        var id = RuleFields.Text(rule, "id", path, context);
        if (string.IsNullOrEmpty(id) && !isUnison)
        {
            context.Refuse("bundle.rule.id_missing", "A rule has an id.", path.Member("id"));
        }

        return string.IsNullOrEmpty(id) ? NameOf(position) : id;
    }

    private static string NameOf(int position) => $"#{position}";

    private static int ReadPriority(JsonElement rule, JsonPlace path, RuleReadContext context)
    {
        if (!rule.TryGetProperty("priority", out var value))
        {
            return 0;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var priority))
        {
            return priority;
        }

        context.Refuse("bundle.rule.priority", "A priority is a 32-bit integer.", path.Member("priority"));
        return 0;
    }

    private sealed record Answer(RuleEffect Effect, string? Reason, string? SuggestedAlternative);
}
