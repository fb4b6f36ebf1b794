using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Review.Facts;

namespace OrleansPolicy.Review.Inputs;

/// <summary>The values at which a condition turns over, and their neighbours, as JSON texts; null is nothing at all. What holds comes first.</summary>
internal static class BoundaryValues
{
    /// <summary>A Monday at noon: when it is, unless a rule asks for another time.</summary>
    public static readonly DateTimeOffset Noon = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);

    private const int DaysPerWeek = 7;
    private const int TurnsMax = 4;

    /// <summary>The places that a leaf looks at, with values for each.</summary>
    public static IEnumerable<(InputSlot Slot, ImmutableArray<string?> Values)> Of(Condition leaf) => leaf switch
    {
        PathCondition { Path.IsCapability: false } path => OfPath(path),
        AuthScopeCondition c => [(InputSlot.Of("auth_scope"), Texts(c.Operand.Texts))],
        ClassificationCondition c => [(InputSlot.Of("safety_context", "data_classification"), Texts(c.Operand.Texts))],
        DeviceClassCondition c => [(InputSlot.Of("action_envelope", "target", "device_class"), Texts(c.Operand.Texts))],
        RiskLevelCondition c => [(InputSlot.Of("action_envelope", "risk_level"), Texts(c.Operand.Texts))],
        ScopesCondition c => [(InputSlot.Of("policy_context", "scopes"), Scopes(c.Operand.Texts))],
        PersonsCondition c => [(InputSlot.Of("person_id"), [.. Operand.Members(c.Persons).Select(p => p.GetRawText()), "\"someone else\"", null])],
        _ => [],
    };

    /// <summary>Capabilities at which a leaf turns over.</summary>
    public static IEnumerable<string> Capabilities(Condition leaf) => leaf switch
    {
        CapabilityCondition { Capabilities: { } set } => set.Exact.Concat(set.Prefixes.Select(p => p + "any")).Concat(set.Prefixes.Where(p => p.Length > 0))
            .Concat(set.Exact.Select(e => e + "x")).Concat(set.Prefixes.Where(p => p.Length > 0).Select(p => p[..^1])),
        PathCondition { Path.IsCapability: true } path => path.Tests.SelectMany(Of).Where(v => v?.StartsWith('"') == true)
            .Select(v => JsonElement.Parse(v!).GetString()!),
        _ => [],
    };

    /// <summary>Times just within and just outside a window.</summary>
    public static IEnumerable<DateTimeOffset> Times(TimeWindowCondition window)
    {
        var (turns, before) = (0, IsOpen(window, 0));
        if (before)
        {
            yield return At(window, 0);
        }

        for (var minute = 1; minute < DaysPerWeek * TimeFacts.MinutesPerDay && turns < TurnsMax; minute++)
        {
            var isOpen = IsOpen(window, minute);
            if (isOpen != before)
            {
                turns++;
                yield return At(window, isOpen ? minute : minute - 1);
                yield return At(window, isOpen ? minute - 1 : minute);
                before = isOpen;
            }
        }

        foreach (var day in Enumerable.Range(0, DaysPerWeek).Where(d => !IsOpen(window, (d * TimeFacts.MinutesPerDay) + (TimeFacts.MinutesPerDay / 2))).Take(1))
        {
            yield return At(window, (day * TimeFacts.MinutesPerDay) + (TimeFacts.MinutesPerDay / 2));
        }
    }

    private static bool IsOpen(TimeWindowCondition window, int minuteOfWeek) => window.HoldsAt(
        (DayOfWeek)(((minuteOfWeek / TimeFacts.MinutesPerDay) + (int)Noon.DayOfWeek) % DaysPerWeek), minuteOfWeek % TimeFacts.MinutesPerDay);

    private static DateTimeOffset At(TimeWindowCondition window, int minuteOfWeek)
    {
        var local = Noon.UtcDateTime.Date.AddMinutes(minuteOfWeek);
        return new DateTimeOffset(DateTime.SpecifyKind(local, DateTimeKind.Unspecified), window.Zone.GetUtcOffset(local)).ToUniversalTime();
    }

    private static IEnumerable<(InputSlot Slot, ImmutableArray<string?> Values)> OfPath(PathCondition path)
    {
        yield return (InputSlot.Parse(path.Path.Text), [.. path.Tests.SelectMany(Of).Distinct()]);
        foreach (var other in path.Tests.OfType<PathEqualityTest>())
        {
            yield return (InputSlot.Parse(other.Other.Text), ["\"same\"", "\"other\"", null]);
        }
    }

    private static IEnumerable<string?> Of(ValueTest test) => test switch
    {
        EqualityTest { Wanted: true } equality => [.. Operand.Members(equality.Operand).Select(m => m.GetRawText()), .. Operand.Members(equality.Operand).Select(Neighbour), null],
        EqualityTest equality => [.. Operand.Members(equality.Operand).Select(Neighbour), null, .. Operand.Members(equality.Operand).Select(m => m.GetRawText())],
        ExistsTest exists => exists.Wanted ? ["\"something\"", null] : [null, "\"something\""],
        OrderTest order => [.. Around(order), "\"text\"", null],
        ContainsTest contains => [.. Operand.Members(contains.Operand).Select(m => $"[{m.GetRawText()}]"), "[\"other\"]", "[]", null],
        CidrTest cidr => [.. cidr.Ranges.SelectMany(Addresses), "\"203.0.113.250\"", "\"no address\"", null],
        PathEqualityTest equality => equality.Wanted ? ["\"same\"", "\"other\"", null] : ["\"other\"", "\"same\"", null],
        TextTest text => [.. Operand.Texts(text.Operand).SelectMany(t => Patterns(text.Name, t)).Select(Quoted), "\"other\"", "7", null],
        _ => [],
    };

    private static IEnumerable<string> Patterns(string name, string text) => name switch
    {
        "prefix" => [text + "x", text, text[..^1]],
        "suffix" => ["x" + text, text, text[1..]],
        "glob" => [text.Replace("*", "", StringComparison.Ordinal).Replace('?', 'x'), text.Replace("*", "x", StringComparison.Ordinal).Replace('?', 'x'), "~" + text],
        _ => RegexSample.Of(text) is { } sample ? [sample, sample + "~", "~" + sample] : [],
    };

    private static IEnumerable<string> Around(OrderTest test)
    {
        var raw = test.Operand.GetRawText();
        if (!decimal.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) || Math.Abs(bound) > 1L << 53)
        {
            return [raw, "0"];
        }

        // One in the last place that is written: 1.2 has the neighbours 1.1 and 1.3.
        var step = new decimal(1, 0, 0, false, bound.Scale);
        decimal[] values = test.Order switch
        {
            Order.Greater => [bound + step, bound, bound - step],
            Order.GreaterOrEqual => [bound, bound + step, bound - step],
            Order.Less => [bound - step, bound, bound + step],
            _ => [bound, bound - step, bound + step],
        };
        return values.Select(v => v.ToString(CultureInfo.InvariantCulture));
    }

    private static string Neighbour(JsonElement member) => member.ValueKind switch
    {
        JsonValueKind.String => Quoted(member.GetString() + "x"),
        JsonValueKind.Number when member.TryGetInt64(out var number) && number < long.MaxValue => (number + 1).ToString(CultureInfo.InvariantCulture),
        JsonValueKind.True => "false",
        JsonValueKind.False => "true",
        _ => "\"other\"",
    };

    private static IEnumerable<string> Addresses((bool IsV4, UInt128 Start, UInt128 Mask) range)
    {
        var all = range.IsV4 ? uint.MaxValue : UInt128.MaxValue;
        var last = range.Start | (all & ~range.Mask);
        IEnumerable<UInt128> addresses = [range.Start < last ? range.Start + 1 : range.Start, range.Start, last, .. last < all ? [last + 1] : Array.Empty<UInt128>(), .. range.Start > 0 ? [range.Start - 1] : Array.Empty<UInt128>()];
        return addresses.Distinct().Select(a => Quoted(ToAddress(a, range.IsV4).ToString()));
    }

    private static IPAddress ToAddress(UInt128 number, bool isV4)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(isV4 ? bytes[12..] : bytes);
    }

    private static ImmutableArray<string?> Texts(ImmutableArray<string> texts) => [.. texts.Select(Quoted), "\"other\"", null];

    private static ImmutableArray<string?> Scopes(ImmutableArray<string> texts) =>
        [.. texts.Select(t => $"[{Quoted(t.TrimEnd('*') is var scope && scope.EndsWith('.') ? scope + "any" : scope)}]"), "[\"other\"]", "[]", null];

    private static string Quoted(string text) => JsonSerializer.Serialize(text, PolicyJson.Options);
}
