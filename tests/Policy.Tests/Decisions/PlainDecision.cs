using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>
/// What rules mean, told a second time: each condition straight from its JSON, each look at the context through the parsed document.
/// Knows the operators that compare and unison's keys, and nothing of capabilities and times.
/// </summary>
internal static partial class PlainDecision
{
    /// <summary>The first rule of a list that holds or cannot be evaluated; null where there is none.</summary>
    public static (string RuleId, bool IsError)? Decide(JsonElement rules, JsonElement context)
    {
        foreach (var rule in rules.EnumerateArray())
        {
            if (Holds(rule.GetProperty("match"), context) is var truth and not Truth.No)
            {
                return (rule.GetProperty("id").GetString()!, truth == Truth.Error);
            }
        }

        return null;
    }

    /// <summary>What every decision that is none by error gives back of the context.</summary>
    public static string? RiskLevel(JsonElement context) =>
        At(context, "action_envelope", "risk_level") is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } level ? level.ToString() : null;

    private static Truth Holds(JsonElement match, JsonElement context) => match.EnumerateObject().Select(member => member.Name switch
    {
        "path" => All(Values(member.Value.GetString()!, context), value => Operators(match, value, context)),
        "all" => member.Value.EnumerateArray().Select(inner => Holds(inner, context)).FirstOrDefault(truth => truth != Truth.Yes, Truth.Yes),
        "any" => member.Value.EnumerateArray().Select(inner => Holds(inner, context)).FirstOrDefault(truth => truth != Truth.No, Truth.No),
        "not" => Holds(member.Value, context) switch { Truth.Yes => Truth.No, Truth.No => Truth.Yes, _ => Truth.Error },
        "auth_scope" => IsTruthy(At(context, "auth_scope"))
            ? OneOf(member.Value, At(context, "auth_scope"))
            : WithinObject(context, "policy_context", "scopes", scopes => OneOf(member.Value, scopes)),
        "policy_context.scopes" => WithinObject(context, "policy_context", "scopes", scopes => HasScope(member.Value, scopes)),
        "safety_context" => WithinObject(context, "safety_context", "data_classification", value => OneOf(member.Value.GetProperty("data_classification"), value)),
        "action_envelope.risk_level" => OneOf(member.Value, At(context, "action_envelope", "risk_level")),
        "target" => At(context, "action_envelope", "target").ValueKind == JsonValueKind.Object
            ? OneOf(member.Value.GetProperty("device_class"), At(context, "action_envelope", "target", "device_class"))
            : Truth.No,
        "persons" => IsTruthy(At(context, "person_id"))
            ? HasPerson(member.Value, At(context, "person_id"))
            : WithinObject(context, "person", "id", id => HasPerson(member.Value, id)),
        _ => Truth.Yes, // An operator, beside its path.
    }).FirstOrDefault(truth => truth != Truth.Yes, Truth.Yes);

    // One value decides by itself; of several, the first that holds or cannot be evaluated.
    private static Truth All(IEnumerable<JsonElement> values, Func<JsonElement, Truth> holds) =>
        values.Select(holds).FirstOrDefault(truth => truth != Truth.No, Truth.No);

    private static Truth Operators(JsonElement match, JsonElement value, JsonElement context) => match.EnumerateObject()
        .Where(member => member.Name != "path").Select(member => Operator(member.Name, member.Value, value, context))
        .FirstOrDefault(truth => truth != Truth.Yes, Truth.Yes);

    private static Truth Operator(string name, JsonElement operand, JsonElement value, JsonElement context) => (name, value.ValueKind) switch
    {
        ("eq" or "ne", _) when operand.ValueKind == JsonValueKind.Object =>
            From((value.ValueKind != JsonValueKind.Undefined && Values(operand.GetProperty("path").GetString()!, context).Single() is { ValueKind: not JsonValueKind.Undefined } other
                && JsonElement.DeepEquals(value, other)) == (name == "eq")),
        ("eq" or "in", _) => From(IsOneOf(operand, value)),
        ("ne" or "not_in", _) => From(!IsOneOf(operand, value)),
        ("exists", var kind) => From((kind != JsonValueKind.Undefined) == operand.GetBoolean()),
        (_, JsonValueKind.Undefined) => Truth.No,
        ("contains", JsonValueKind.Array) => From(value.EnumerateArray().Any(item => Members(operand).Any(member => AreEqual(member, item)))),
        ("contains", JsonValueKind.String) => From(Texts(operand).Any(text => value.GetString()!.Contains(text, StringComparison.Ordinal))),
        ("prefix", JsonValueKind.String) => From(Texts(operand).Any(text => value.GetString()!.StartsWith(text, StringComparison.Ordinal))),
        ("suffix", JsonValueKind.String) => From(Texts(operand).Any(text => value.GetString()!.EndsWith(text, StringComparison.Ordinal))),
        ("gt", JsonValueKind.Number) => From(Compare(value, operand) > 0),
        ("lte", JsonValueKind.Number) => From(Compare(value, operand) <= 0),
        _ => Truth.Error,
    };

    /// <summary>The values a path leads to; an undefined one where it leads nowhere.</summary>
    public static IEnumerable<JsonElement> Values(string path, JsonElement context)
    {
        IEnumerable<JsonElement> values = [context];
        foreach (Match step in Steps().Matches(path["context".Length..]))
        {
            var (name, index) = (step.Groups["name"], step.Groups["index"]);
            values = step.Value == "[*]" ? values.SelectMany<JsonElement, JsonElement>(value => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [default])
                : name.Success ? values.Select(value => At(value, name.Value))
                : values.Select(value => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ElementAtOrDefault(int.Parse(index.ValueSpan, CultureInfo.InvariantCulture)) : default);
        }

        return values;
    }

    private static JsonElement At(JsonElement value, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            value = value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;
        }

        return value;
    }

    private static Truth WithinObject(JsonElement context, string owner, string name, Func<JsonElement, Truth> holds) =>
        At(context, owner) is { ValueKind: not JsonValueKind.Object } other && IsTruthy(other) ? Truth.Error : holds(At(context, owner, name));

    private static Truth OneOf(JsonElement operand, JsonElement value) => From(value.ValueKind == JsonValueKind.Array
        ? operand.ValueKind == JsonValueKind.Array && JsonElement.DeepEquals(operand, value)
        : Texts(operand).Contains(PythonValue.TextOf(value)));

    private static Truth HasScope(JsonElement operand, JsonElement scopes) => From(scopes.ValueKind == JsonValueKind.Array && scopes.EnumerateArray().Any(scope =>
        OneOf(operand, scope) == Truth.Yes
        || Texts(operand).Any(text => (PythonValue.TextOf(scope) ?? "").StartsWith(text.TrimEnd('*').TrimEnd('.'), StringComparison.Ordinal))));

    private static Truth HasPerson(JsonElement persons, JsonElement id) => From(IsTruthy(id)
        ? persons.EnumerateArray().Any(person => AreEqual(person, id))
        : Texts(persons).Contains("unknown"));

    private static bool IsTruthy(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString() != "",
        JsonValueKind.Number => value.GetDouble() != 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.GetPropertyCount() > 0,
        var kind => kind == JsonValueKind.True,
    };

    private static bool IsOneOf(JsonElement operand, JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? operand.ValueKind == JsonValueKind.Array && JsonElement.DeepEquals(operand, value)
        : Members(operand).Any(member => AreEqual(member, value));

    private static bool AreEqual(JsonElement member, JsonElement value) => member.ValueKind == value.ValueKind && member.ValueKind switch
    {
        JsonValueKind.String => member.GetString() == value.GetString(),
        JsonValueKind.Number => Compare(value, member) == 0,
        _ => member.ValueKind is JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null,
    };

    private static int Compare(JsonElement value, JsonElement bound) => bound.TryGetInt64(out var exact) && value.TryGetInt64(out var integer)
        ? integer.CompareTo(exact)
        : value.GetDouble().CompareTo(bound.GetDouble());

    private static JsonElement[] Members(JsonElement operand) => operand.ValueKind == JsonValueKind.Array ? [.. operand.EnumerateArray()] : [operand];

    private static IEnumerable<string> Texts(JsonElement operand) => Members(operand).Where(member => member.ValueKind == JsonValueKind.String).Select(member => member.GetString()!);

    private static Truth From(bool holds) => holds ? Truth.Yes : Truth.No;

    [GeneratedRegex("""\.(?<name>[^.\[]+)|\["(?<name>[^"]+)"\]|\[(?<index>\d+)\]|\[\*\]""")]
    private static partial Regex Steps();
}
