using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// Compiles a <c>match</c> object: all that it names must hold. Unison's keys and our own may stand side by side; the members of
/// <c>all</c>, <c>any</c> and <c>not</c> are match objects again (their depth is that of the JSON, which is limited).
/// </summary>
internal sealed class MatchReader(RuleReadContext context, bool isNative)
{
    private static readonly KnownNames Names = new(["capability", "path", "all", "any", "not", .. UnisonMatchReader.Keys, .. PathConditionReader.Operators]);

    private readonly PathConditionReader paths = new(context);
    private readonly UnisonMatchReader unison = new(context, isNative);

    /// <summary>What a rule without a reason is called after.</summary>
    public static string IntentPrefixText(JsonElement match)
    {
        if (match.ValueKind != JsonValueKind.Object
            || !match.TryGetProperty("intent_prefix", out var prefix)
            || !PythonValue.IsTruthy(prefix))
        {
            return "*";
        }

        return prefix.ValueKind == JsonValueKind.Array
            ? string.Join("|", prefix.EnumerateArray().Select(PythonValue.TextOf))
            : PythonValue.TextOf(prefix) ?? "*";
    }

    /// <summary>The conditions of a match object, cheapest kinds first, which does not change the outcome without errors.</summary>
    public ImmutableArray<Condition> Read(JsonElement match, JsonPlace path)
    {
        var conditions = ImmutableArray.CreateBuilder<Condition>(match.GetPropertyCount());
        foreach (var member in match.EnumerateObject())
        {
            if (ReadMember(match, member, path) is { } condition)
            {
                var place = conditions.Count;
                while (place > 0 && Cost(conditions[place - 1]) > Cost(condition))
                {
                    place--;
                }

                conditions.Insert(place, condition);
            }
        }

        return conditions.DrainToImmutable();
    }

    // The capability is what the index has already looked at; a time of day needs no look at the input.
    private static int Cost(Condition condition) => condition switch { CapabilityCondition => 0, TimeWindowCondition => 1, _ => 2 };

    private Condition? ReadMember(JsonElement match, JsonProperty member, JsonPlace path)
    {
        var value = member.Value;
        switch (Names.Find(member))
        {
            case "capability":
                return ReadCapability(value, path);
            case "path":
                return paths.Read(match, path);
            case ("all" or "any") and var name:
                return ReadSeveral(name, value, path.Member(name));
            case "not" and var name:
                return ReadNot(value, path.Member(name));
            case { } name when UnisonMatchReader.Keys.Contains(name):
                return unison.Read(name, value, path.Member(name));
            case { } name:
                return RefuseUnlessPath(match, name, path); // An operator.
            case null:
                RefuseUnknown(member.Name, path);
                return null;
        }
    }

    private CapabilityCondition? ReadCapability(JsonElement value, JsonPlace path)
    {
        var texts = Operand.Texts(value);
        if (texts.IsEmpty)
        {
            context.Refuse("bundle.rule.operand", "capability is a name, a prefix that ends in *, or a list of these.", path.Member("capability"));
            return null;
        }

        // Most rules name whole capabilities only.
        if (!texts.Any(text => text.Contains('*')))
        {
            return new CapabilityCondition(new CapabilitySet(texts, []));
        }

        if (texts.Any(text => text.IndexOf('*') is >= 0 and var star && star < text.Length - 1))
        {
            context.Refuse("bundle.rule.operand", "In capability, * stands at the end only; use path capability_id with glob for more.", path.Member("capability"));
            return null;
        }

        return new CapabilityCondition(new CapabilitySet([.. texts.Where(text => text[^1] != '*')], [.. texts.Where(text => text[^1] == '*').Select(text => text[..^1])]));
    }

    private Condition? ReadSeveral(string name, JsonElement value, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            context.Refuse("bundle.rule.operand", $"{name} is a list with at least one condition.", path);
            return null;
        }

        var conditions = new Condition[value.GetArrayLength()];
        var index = 0;
        foreach (var element in value.EnumerateArray())
        {
            conditions[index] = ReadNested(element, path.Item(index));
            index++;
        }

        return name == "all" ? new AllCondition(conditions) : new AnyCondition(conditions);
    }

    private NotCondition ReadNot(JsonElement value, JsonPlace path) => new(ReadNested(value, path));

    private Condition ReadNested(JsonElement value, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            context.Refuse("bundle.rule.condition", "A condition is an object.", path);
            return new AllCondition([]);
        }

        // Below the top, an empty condition is refused: it would always hold, and turn `any` into a rule for everything.
        var problems = context.Problems.Count;
        var conditions = Read(value, path);
        if (conditions.IsEmpty && context.Problems.Count == problems)
        {
            context.Refuse("bundle.rule.condition", "A condition says something.", path);
        }

        return conditions.Length == 1 ? conditions[0] : new AllCondition([.. conditions]);
    }

    private PathCondition? RefuseUnlessPath(JsonElement match, string name, JsonPlace path)
    {
        if (!match.TryGetProperty("path", out _))
        {
            context.Refuse("bundle.rule.path", $"The operator {name} needs a path beside it.", path.Member(name));
        }

        return null; // Read together with its path.
    }

    private void RefuseUnknown(string name, JsonPlace path)
    {
        // Unison passes over what it does not know. Our own rules do not: a condition that is not understood cannot hold.
        if (isNative)
        {
            context.Refuse("bundle.rule.match_unknown", $"{name} is no match key and no operator.", path.Member(name));
        }
        else if (context.Strict)
        {
            context.Refuse("bundle.unknown_field", $"The field {name} is not known.", path.Member(name));
        }
    }
}
