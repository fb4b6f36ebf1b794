using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Decisions;

/// <summary>
/// Compiles the match keys of unison's rules. Empty values (null, false, 0, "", [], {}) are passed over, as there. A list matches
/// any of its members, which there it does not.
/// </summary>
internal sealed class UnisonMatchReader(RuleReadContext context, bool isNative)
{
    private const int MinutesPerHour = 60;
    private const int MinutesPerDay = 24 * MinutesPerHour;

    /// <summary>All keys; two of them have a dot in their name.</summary>
    public static readonly HashSet<string> Keys =
    [
        "intent_prefix", "auth_scope", "safety_context", "target", "policy_context.scopes", "action_envelope.risk_level",
        "time_window", "persons",
    ];

    private static readonly HashSet<string> TimeWindowFields = ["start", "end", "zone", "days"];

    /// <summary>Null where there is nothing to hold, or a problem was noted.</summary>
    public Condition? Read(string key, JsonElement value, JsonPlace path) => key switch
    {
        "intent_prefix" => ReadTexts(value, path) is { } operand ? new CapabilityCondition(new CapabilitySet([], operand.Texts)) : null,
        "auth_scope" => ReadTexts(value, path) is { } operand ? new AuthScopeCondition(operand, context.Paths) : null,
        "safety_context" => ReadInner(value, "data_classification", path) is { } operand ? new ClassificationCondition(operand, context.Paths) : null,
        "target" => ReadInner(value, "device_class", path) is { } operand ? new DeviceClassCondition(operand, context.Paths) : null,
        "policy_context.scopes" => ReadTexts(value, path) is { } operand ? new ScopesCondition(operand, context.Paths) : null,
        "action_envelope.risk_level" => ReadTexts(value, path) is { } operand ? new RiskLevelCondition(operand, context.Paths) : null,
        "time_window" => ReadTimeWindow(value, path),
        _ => ReadPersons(value, path),
    };

    /// <summary>The classification of a unison bundle's policy, which is not wrapped in a safety context.</summary>
    public Condition? ReadClassification(JsonElement value, JsonPlace path) =>
        ReadTexts(value, path) is { } operand ? new ClassificationCondition(operand, context.Paths) : null;

    /// <summary>A window <c>{start, end}</c> in UTC; our own may add <c>zone</c> and <c>days</c>.</summary>
    public Condition? ReadTimeWindow(JsonElement value, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            if (value.ValueKind != JsonValueKind.Null)
            {
                context.Refuse("bundle.rule.time_window", "A time window is an object {start, end}.", path);
            }

            return null;
        }

        if (value.GetPropertyCount() == 0)
        {
            return null;
        }

        RuleFields.RefuseUnknown(value, TimeWindowFields, path, context);
        var start = ReadMinute(value, "start", path);
        var end = ReadMinute(value, "end", path);
        var (zone, zoneName) = ReadZone(value, path);
        return new TimeWindowCondition(start, end, zone, zoneName, ReadDays(value, path));
    }

    private PersonsCondition? ReadPersons(JsonElement value, JsonPlace path)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            return value.GetArrayLength() > 0 ? new PersonsCondition(value, context.Paths) : null;
        }

        if (value.ValueKind != JsonValueKind.Null)
        {
            context.Refuse("bundle.rule.persons", "persons is a list.", path);
        }

        return null;
    }

    private UnisonOperand? ReadInner(JsonElement value, string name, JsonPlace path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            if (PythonValue.IsTruthy(value))
            {
                context.Refuse("bundle.rule.operand", $"This is an object with {name}.", path);
            }

            return null;
        }

        if (isNative || context.Strict)
        {
            foreach (var member in value.EnumerateObject().Where(m => m.Name != name))
            {
                context.Refuse("bundle.rule.match_unknown", $"Only {name} can be matched here, not {member.Name}.", path);
            }
        }

        return value.TryGetProperty(name, out var inner) ? ReadTexts(inner, path.Member(name)) : null;
    }

    private UnisonOperand? ReadTexts(JsonElement value, JsonPlace path)
    {
        if (!PythonValue.IsTruthy(value))
        {
            return null;
        }

        var texts = Operand.Members(value).Select(PythonValue.TextOf).ToArray();
        if (texts.All(t => t is not null))
        {
            return new UnisonOperand(value, [.. texts!]);
        }

        context.Refuse("bundle.rule.operand", "This is a scalar or a list of scalars.", path);
        return null;
    }

    // H:M as unison reads it: one or two digits each; 24:00 is the end of a day.
    private int ReadMinute(JsonElement window, string name, JsonPlace path)
    {
        var text = window.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        var colon = text.IndexOf(':');
        if (colon is 1 or 2
            && text.Length - colon - 1 is 1 or 2
            && int.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var hour)
            && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var minute)
            && minute < MinutesPerHour
            && (hour * MinutesPerHour) + minute <= MinutesPerDay)
        {
            return (hour * MinutesPerHour) + minute;
        }

        context.Refuse("bundle.rule.time_window", $"{name} is a time of day such as 09:00.", path.Member(name));
        return 0;
    }

    private (TimeZoneInfo Zone, string Name) ReadZone(JsonElement window, JsonPlace path)
    {
        if (!window.TryGetProperty("zone", out var value))
        {
            return (TimeZoneInfo.Utc, "UTC");
        }

        var name = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (TimeZones.TryFind(name) is { } zone)
        {
            return (zone, name);
        }

        context.Refuse("bundle.rule.time_zone", "zone is UTC or the IANA name of a time zone that this system knows.", path.Member("zone"));
        return (TimeZoneInfo.Utc, name);
    }

    private int ReadDays(JsonElement window, JsonPlace path)
    {
        if (!window.TryGetProperty("days", out var value))
        {
            return TimeWindowCondition.EveryDay;
        }

        string[] names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        var texts = Operand.Texts(value);
        if (texts.IsEmpty || texts.Any(t => !names.Contains(t)))
        {
            context.Refuse("bundle.rule.time_window", "days is a list of mon, tue, wed, thu, fri, sat, sun.", path.Member("days"));
        }

        return texts.Aggregate(0, (days, text) => days | (1 << Math.Max(0, Array.IndexOf(names, text))));
    }
}
