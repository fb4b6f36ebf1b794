using System.Collections.Immutable;
using System.Globalization;

namespace OrleansPolicy.Rollouts;

/// <summary>What a freeze window may be, and what windows hold.</summary>
public static class FreezeRules
{
    /// <summary>There is no such window.</summary>
    public const string UnknownCode = "window.unknown";

    /// <summary>The zone is no IANA time zone that this machine knows.</summary>
    public const string ZoneCode = "window.zone";

    /// <summary>A time is out of bounds, or on a day that most years do not have.</summary>
    public const string TimeCode = "window.time";

    /// <summary>It ends no later than it begins.</summary>
    public const string EmptyCode = "window.empty";

    /// <summary>It would begin again before it has ended.</summary>
    public const string OverlapCode = "window.overlap";

    /// <summary>Days are for windows that come every week, each once, and that of the first among them.</summary>
    public const string DaysCode = "window.days";

    /// <summary>The end of the repetitions is before the first, or there are none.</summary>
    public const string UntilCode = "window.until";

    /// <summary>The tenant has <see cref="FreezeWindow.CountMax"/> already.</summary>
    public const string TooManyCode = "window.too_many";

    private const int YearMin = 2000;
    private const int YearMax = 2200;

    // A freeze whose end lies behind more windows than this is said to have none in sight.
    private const int StepsMax = 64;

    /// <summary>All that is wrong with a window.</summary>
    public static ImmutableArray<Problem> Check(FreezeWindow window)
    {
        ArgumentNullException.ThrowIfNull(window);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        if (TimeZones.TryFind(window.Zone) is null)
        {
            problems.Add(new Problem(ZoneCode, $"'{window.Zone}' is no IANA time zone: it is one such as Europe/Berlin, or UTC.", "$.zone"));
        }

        CheckTime(window.Starts, "$.starts");
        CheckTime(window.Ends, "$.ends");
        if (window.Ends <= window.Starts)
        {
            problems.Add(new Problem(EmptyCode, "A window ends after it begins.", "$.ends"));
        }
        else if (Again(window) is { } again && again < window.Ends)
        {
            problems.Add(new Problem(OverlapCode, $"It begins again at {Text(again)}, before it has ended at {Text(window.Ends)}.", "$.ends"));
        }

        if (!window.Days.IsEmpty
            && (window.Repeats != FreezeRepeat.Weekly || !window.Days.Contains(window.Starts.DayOfWeek) || window.Days.Distinct().Count() != window.Days.Length))
        {
            problems.Add(new Problem(DaysCode, $"Days are for a weekly window, each once, and {Text(window.Starts)}, a {window.Starts.DayOfWeek}, is one of them.", "$.days"));
        }

        if (window.Until is { } until && (window.Repeats == FreezeRepeat.Never || until <= window.Starts))
        {
            problems.Add(new Problem(UntilCode, "Only a window that comes again comes until a time, and that is after its first.", "$.until"));
        }

        return problems.ToImmutable();

        void CheckTime(DateTime time, string path)
        {
            if (time.Year is < YearMin or > YearMax)
            {
                problems.Add(new Problem(TimeCode, $"A window is between the years {YearMin} and {YearMax}.", path));
            }
            else if (window.Repeats == FreezeRepeat.Yearly && time is { Month: 2, Day: 29 })
            {
                problems.Add(new Problem(TimeCode, "Most years have no 29 February: begin or end a yearly window on another day.", path));
            }
        }
    }

    /// <summary>Sets a window in the place of the one of its name; fails with all that is wrong with it, and with <see cref="TooManyCode"/>.</summary>
    public static Outcome<Restraints> Set(Restraints restraints, FreezeWindow window)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        var problems = Check(window);
        var others = restraints.Windows.RemoveAll(other => other.Name == window.Name);
        return !problems.IsEmpty ? Outcome<Restraints>.Fail(problems)
            : others.Length >= FreezeWindow.CountMax ? Outcome<Restraints>.Fail(TooManyCode, $"A tenant has at most {FreezeWindow.CountMax} windows.")
            : Outcome<Restraints>.Ok(restraints with { Windows = [.. others.Add(window).OrderBy(one => one.Name, StringComparer.Ordinal)] });
    }

    /// <summary>Takes a window away; fails with <see cref="UnknownCode"/>.</summary>
    public static Outcome<Restraints> Remove(Restraints restraints, string name)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        var others = restraints.Windows.RemoveAll(window => window.Name == name);
        return others.Length < restraints.Windows.Length
            ? Outcome<Restraints>.Ok(restraints with { Windows = others })
            : Outcome<Restraints>.Fail(UnknownCode, $"There is no window '{name}'.");
    }

    /// <summary>Why nothing of a fleet may go forward at a moment, and until when; null: the windows let it.</summary>
    public static Why? Frozen(Restraints restraints, string fleet, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(restraints);
        var windows = restraints.Windows.RemoveAll(window => !window.Concerns(fleet));
        if (Held(windows, at) is not { } held)
        {
            return null;
        }

        var until = held.Until;
        for (var steps = 0; until is { } then && Held(windows, then) is { } next; steps++)
        {
            until = steps < StepsMax ? next.Until : null;
        }

        var end = until is null ? "with no end in sight" : $"until {until.Value.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC";
        const string Then = "Goes on when windows let it, or two people lift them by a waiver. The way back stays open.";
        return held.Denying is { } denying
            ? new Why(RolloutReasons.FreezeWindow, $"Within the freeze window {denying.Name} ({denying.Reason}), {end}.", at, Then) { Until = until }
            : new Why(RolloutReasons.FreezeOutside, $"Outside all windows that allow rollouts, {end}.", at, Then) { Until = until };
    }

    // What holds at a moment, and from when on that is over (null: never); null: nothing holds.
    private static (FreezeWindow? Denying, DateTimeOffset? Until)? Held(ImmutableArray<FreezeWindow> windows, DateTimeOffset at)
    {
        var denying = windows.Where(window => window.Kind == FreezeKind.Deny)
            .Select(window => (Window: window, Span: FreezeTimes.From(window, at).FirstOrDefault()))
            .Where(one => one.Span?.From <= at).OrderByDescending(one => one.Span!.To).FirstOrDefault();
        if (denying.Span is { } span)
        {
            return (denying.Window, span.To);
        }

        foreach (var scope in windows.Where(window => window.Kind == FreezeKind.Allow).GroupBy(window => window.Fleet))
        {
            var next = scope.Select(window => FreezeTimes.From(window, at).FirstOrDefault()).OfType<FreezeSpan>().MinBy(one => one.From);
            if (next is null || next.From > at)
            {
                return (null, next?.From);
            }
        }

        return null;
    }

    // When it begins the second time; null: never.
    private static DateTime? Again(FreezeWindow window) => window.Repeats switch
    {
        FreezeRepeat.Never => null,
        FreezeRepeat.Yearly => window.Starts.AddYears(1),
        _ => FreezeTimes.DayOffsets(window) is var offsets
            ? window.Starts.AddDays(offsets.Append(offsets[0] + 7).Zip(offsets.Skip(1).Append(offsets[0] + 7), (one, next) => next - one).Where(gap => gap > 0).Min())
            : null,
    };

    private static string Text(DateTime local) => local.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
