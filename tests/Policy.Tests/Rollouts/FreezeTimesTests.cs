using System.Globalization;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>When windows are there, as instants: by the clocks of their zone, whatever those do.</summary>
public sealed class FreezeTimesTests
{
    [Theory]
    [InlineData("Europe/Berlin", "2026-12-18T18:00", "2027-01-04T08:00", "2026-12-18T17:00Z", "2027-01-04T07:00Z")]
    [InlineData("Europe/Berlin", "2026-07-01T18:00", "2026-07-02T08:00", "2026-07-01T16:00Z", "2026-07-02T06:00Z")]
    [InlineData("Asia/Kolkata", "2026-07-01T18:00", "2026-07-02T08:00", "2026-07-01T12:30Z", "2026-07-02T02:30Z")]
    [InlineData("UTC", "2026-07-01T18:00", "2026-07-02T08:00", "2026-07-01T18:00Z", "2026-07-02T08:00Z")]
    // Across a change of clocks it is an hour shorter or longer, and begins and ends when the clocks say so.
    [InlineData("Europe/Berlin", "2026-03-28T22:00", "2026-03-29T06:00", "2026-03-28T21:00Z", "2026-03-29T04:00Z")]
    [InlineData("Europe/Berlin", "2026-10-24T22:00", "2026-10-25T06:00", "2026-10-24T20:00Z", "2026-10-25T05:00Z")]
    public void A_window_begins_and_ends_when_the_clocks_of_its_zone_say_so(string zone, string starts, string ends, string from, string to)
    {
        foreach (var kind in new[] { FreezeKind.Deny, FreezeKind.Allow })
        {
            Assert.Equal([new FreezeSpan(At(from), At(to))], FreezeTimes.From(Window(starts, ends, kind, zone), At("2026-01-01T00:00Z")));
        }
    }

    [Theory]
    // Berlin puts its clocks from 02:00 to 03:00 at 01:00Z: 02:15 is never shown.
    [InlineData("2026-03-29T02:15", "2026-03-29T04:00", "2026-03-29T01:00Z", "2026-03-29T02:00Z")]
    [InlineData("2026-03-29T01:00", "2026-03-29T02:15", "2026-03-29T00:00Z", "2026-03-29T01:00Z")]
    public void A_time_that_no_clock_shows_is_the_moment_of_the_change(string starts, string ends, string from, string to)
    {
        foreach (var kind in new[] { FreezeKind.Deny, FreezeKind.Allow })
        {
            Assert.Equal([new FreezeSpan(At(from), At(to))], FreezeTimes.From(Window(starts, ends, kind), At("2026-01-01T00:00Z")));
        }
    }

    [Theory]
    // Berlin's clocks show 02:00 to 03:00 twice: from 00:00Z, and from 01:00Z.
    [InlineData(FreezeKind.Deny, "2026-10-25T02:30", "2026-10-25T04:00", "2026-10-25T00:30Z", "2026-10-25T03:00Z")]
    [InlineData(FreezeKind.Allow, "2026-10-25T02:30", "2026-10-25T04:00", "2026-10-25T01:30Z", "2026-10-25T03:00Z")]
    [InlineData(FreezeKind.Deny, "2026-10-25T01:00", "2026-10-25T02:30", "2026-10-24T23:00Z", "2026-10-25T01:30Z")]
    [InlineData(FreezeKind.Allow, "2026-10-25T01:00", "2026-10-25T02:30", "2026-10-24T23:00Z", "2026-10-25T00:30Z")]
    [InlineData(FreezeKind.Deny, "2026-10-25T02:15", "2026-10-25T02:45", "2026-10-25T00:15Z", "2026-10-25T01:45Z")]
    public void Of_a_time_that_clocks_show_twice_the_one_counts_that_holds_longer(FreezeKind kind, string starts, string ends, string from, string to) =>
        Assert.Equal([new FreezeSpan(At(from), At(to))], FreezeTimes.From(Window(starts, ends, kind), At("2026-01-01T00:00Z")));

    [Fact]
    public void A_window_that_allows_only_a_time_shown_twice_is_not_there_that_day()
    {
        var window = Window("2026-10-25T02:15", "2026-10-25T02:45", FreezeKind.Allow);
        Assert.Empty(FreezeTimes.From(window, At("2026-01-01T00:00Z")));

        // Where it comes every week, the next one is.
        Assert.Equal(new FreezeSpan(At("2026-11-01T01:15Z"), At("2026-11-01T01:45Z")), FreezeTimes.From(window with { Repeats = FreezeRepeat.Weekly }, At("2026-01-01T00:00Z")).First());
    }

    [Fact]
    public void A_weekly_window_is_there_on_each_of_its_days_at_the_same_local_time_in_summer_and_winter()
    {
        var window = Window("2026-10-19T09:00", "2026-10-19T17:00", FreezeKind.Allow) with
        {
            Repeats = FreezeRepeat.Weekly,
            Days = [DayOfWeek.Friday, DayOfWeek.Monday],
        };

        Assert.Equal(
            ["2026-10-19T07:00Z", "2026-10-23T07:00Z", "2026-10-26T08:00Z", "2026-10-30T08:00Z"],
            FreezeTimes.From(window, At("2026-10-01T00:00Z")).Take(4).Select(span => Text(span.From)));

        // Years later, from the middle of one.
        Assert.Equal(
            new FreezeSpan(At("2031-07-04T07:00Z"), At("2031-07-04T15:00Z")),
            FreezeTimes.From(window, At("2031-07-04T14:59Z")).First());
        Assert.Equal("2031-07-07T07:00Z", Text(FreezeTimes.From(window, At("2031-07-04T15:00Z")).First().From));
    }

    [Fact]
    public void A_weekend_and_a_year_that_end_in_the_next_come_again()
    {
        var weekend = Window("2026-11-20T17:00", "2026-11-23T08:00") with { Repeats = FreezeRepeat.Weekly };
        Assert.Equal(new FreezeSpan(At("2027-07-02T15:00Z"), At("2027-07-05T06:00Z")), FreezeTimes.From(weekend, At("2027-07-04T00:00Z")).First());

        var newYear = Window("2026-12-20T00:00", "2027-01-05T00:00") with { Repeats = FreezeRepeat.Yearly };
        Assert.Equal(
            ["2030-12-19T23:00Z", "2031-12-19T23:00Z"],
            FreezeTimes.From(newYear, At("2031-01-02T00:00Z")).Take(2).Select(span => Text(span.From)));
        Assert.Equal("2026-12-19T23:00Z", Text(FreezeTimes.From(newYear, At("2026-01-02T00:00Z")).First().From));
    }

    [Fact]
    public void A_repetition_ends_when_it_was_said_to()
    {
        var window = Window("2026-11-20T17:00", "2026-11-23T08:00") with { Repeats = FreezeRepeat.Weekly, Until = Local("2026-12-04T17:00") };

        Assert.Equal(["2026-11-20T16:00Z", "2026-11-27T16:00Z"], FreezeTimes.From(window, At("2026-01-01T00:00Z")).Select(span => Text(span.From)));
        Assert.Empty(FreezeTimes.From(window, At("2026-12-05T00:00Z")));
    }

    internal static FreezeWindow Window(string starts, string ends, FreezeKind kind = FreezeKind.Deny, string zone = "Europe/Berlin") => new()
    {
        Name = "w",
        Kind = kind,
        Zone = zone,
        Starts = Local(starts),
        Ends = Local(ends),
        Reason = "holidays",
        By = Fleet.Author,
        At = Fleet.Start,
    };

    internal static DateTime Local(string text) => DateTime.ParseExact(text, "yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture);

    internal static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture);
}
