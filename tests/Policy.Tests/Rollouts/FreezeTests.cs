using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Rollouts;
using static OrleansPolicy.Policy.Tests.Rollouts.FreezeTimesTests;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>What freeze windows hold, and until when; what they may be.</summary>
public sealed class FreezeTests
{
    [Fact]
    public void Within_a_window_that_denies_nothing_starts_and_it_says_until_when()
    {
        var fleet = new Fleet { Restraints = With(Denying(12, 14)) };
        var refused = fleet.StartRollout(Fleet.Plan(5, 100)).Problems.Single();
        Assert.Equal((RolloutReasons.FreezeWindow, "Within the freeze window w (holidays), until 2026-11-20 14:00 UTC."), (refused.Code, refused.Message));

        fleet.Now = Fleet.Start.AddHours(2);
        Assert.True(fleet.StartRollout(Fleet.Plan(5, 100)).Succeeded);
    }

    [Fact]
    public void A_stage_that_has_everything_waits_for_the_end_of_the_window()
    {
        var fleet = Started();
        fleet.Restraints = With(Denying(12, 13));

        Assert.Null(fleet.LookFor(TimeSpan.FromMinutes(30)));

        Assert.Equal((RolloutReasons.FreezeWindow, Fleet.Start.AddHours(1)), (fleet.Rollout.Why.Code, fleet.Rollout.Why.Until));
        Assert.True(fleet.Rollout.Healthy);
        var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(40)));
        Assert.Equal(Fleet.Start.AddHours(1), advanced.At);
        Assert.Null(fleet.Rollout.FreezeWaiverId);
    }

    [Fact]
    public void A_window_that_is_moved_meanwhile_changes_until_when_it_waits()
    {
        var fleet = Started();
        fleet.Restraints = With(Denying(12, 13));
        fleet.LookFor(TimeSpan.FromMinutes(2));
        fleet.Restraints = With(Denying(12, 15));

        fleet.Now += TimeSpan.FromMilliseconds(100);
        Assert.IsType<RolloutEvent.Judged>(fleet.Look().Value.Single());

        Assert.Equal(Fleet.Start.AddHours(3), fleet.Rollout.Why.Until);
    }

    [Fact]
    public void What_else_stands_in_the_way_is_said_first_and_the_way_back_is_open()
    {
        var fleet = Started();
        fleet.Restraints = With(Denying(12, 13));
        fleet.Now += TimeSpan.FromSeconds(1);
        fleet.Look();
        Assert.Equal(RolloutReasons.Window, fleet.Rollout.Why.Code);

        fleet.Now += TimeSpan.FromSeconds(1);
        fleet.ErrorRate = 0.06;
        Assert.IsType<RolloutEvent.RolledBack>(fleet.Look().Value.Single());
    }

    [Fact]
    public void Outside_all_windows_that_allow_nothing_starts_of_the_tenant_and_of_the_fleet_each()
    {
        var tenantWide = Denying(13, 16) with { Name = "a", Kind = FreezeKind.Allow };
        var ofFleet = Denying(15, 18) with { Name = "b", Kind = FreezeKind.Allow, Fleet = "edge" };
        Assert.Equal((RolloutReasons.FreezeOutside, Fleet.Start.AddHours(1)), Held(With(tenantWide), 0));
        Assert.Equal((null, null), Held(With(tenantWide), 1));
        Assert.Equal((null, null), Held(With(tenantWide with { Fleet = "other" }), 0));

        Assert.Equal((RolloutReasons.FreezeOutside, Fleet.Start.AddHours(3)), Held(With(tenantWide, ofFleet), 0));
        Assert.Equal((RolloutReasons.FreezeOutside, Fleet.Start.AddHours(3)), Held(With(tenantWide, ofFleet), 2));
        Assert.Equal((null, null), Held(With(tenantWide, ofFleet), 3));

        // After the last one, and where the two never meet again, there is no end in sight.
        Assert.Equal((RolloutReasons.FreezeOutside, null), Held(With(tenantWide, ofFleet), 4));
        Assert.Contains("no end in sight", FreezeRules.Frozen(With(tenantWide), "edge", Fleet.Start.AddHours(9))!.Sentence, StringComparison.Ordinal);

        // Two windows of one scope that allow add up.
        Assert.Equal((null, null), Held(With(tenantWide, ofFleet with { Fleet = null }), 5));
    }

    [Fact]
    public void Windows_that_deny_add_up_and_win_over_those_that_allow()
    {
        Assert.Equal((RolloutReasons.FreezeWindow, Fleet.Start.AddHours(4)), Held(With(Denying(11, 13), Denying(13, 16) with { Name = "v" }), 0));
        Assert.Equal((RolloutReasons.FreezeWindow, Fleet.Start.AddHours(5)), Held(With(Denying(11, 13), Denying(10, 17) with { Name = "v" }), 0));
        Assert.Equal(
            (RolloutReasons.FreezeWindow, Fleet.Start.AddHours(3)),
            Held(With(Denying(11, 13), Denying(15, 18) with { Name = "v", Kind = FreezeKind.Allow }), 0));
        Assert.Equal((null, null), Held(With(Denying(11, 13) with { Fleet = "other" }), 0));
    }

    [Fact]
    public void A_freeze_for_ever_has_no_end_in_sight()
    {
        var always = Window("2026-11-16T00:00", "2026-11-23T00:00", zone: "UTC") with { Repeats = FreezeRepeat.Weekly };

        Assert.Equal((RolloutReasons.FreezeWindow, null), Held(With(always), 0));
    }

    [Fact]
    public void Two_people_lift_the_windows_for_a_fleet_and_the_rollout_shows_it()
    {
        var waiver = Lifting();
        var fleet = new Fleet { Restraints = With(Denying(12, 14)), Waivers = [waiver with { Fleet = "other" }, waiver] };

        Assert.True(fleet.StartRollout(Fleet.Plan(5, 100)).Succeeded);
        Assert.Equal("w1", fleet.Rollout.FreezeWaiverId);
        var advanced = Assert.IsType<RolloutEvent.Advanced>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal("w1", advanced.FreezeWaiverId);
        Assert.Equal("w1", RolloutViews.View(fleet.Rollout, null).FreezeWaiverId);
        Assert.Equal("w1", RolloutAudit.Describe(fleet.Rollout, fleet.Rollout, advanced, null).Single().Detail!["freeze_waiver"]);
        var completed = Assert.IsType<RolloutEvent.Completed>(fleet.LookFor(TimeSpan.FromMinutes(2)));
        Assert.Equal("w1", completed.FreezeWaiverId);
    }

    [Fact]
    public void A_waiver_taken_back_lifts_nothing_any_more_and_none_lifts_a_stopped_line()
    {
        var fleet = new Fleet { Restraints = With(Denying(12, 14)), Waivers = [Lifting()] };
        fleet.StartRollout(Fleet.Plan(5, 100));
        fleet.Waivers = [Lifting() with { RevokedAt = Fleet.Start, RevokedBy = Fleet.Author }];
        Assert.Null(fleet.LookFor(TimeSpan.FromMinutes(5)));
        Assert.Equal(RolloutReasons.FreezeWindow, fleet.Rollout.Why.Code);

        fleet.Waivers = [Lifting()];
        fleet.Restraints = fleet.Restraints with { Line = new LineStop(Fleet.Author, "incident", Fleet.Start) };
        Assert.Null(fleet.LookFor(TimeSpan.FromMinutes(5)));
        Assert.Equal(RolloutReasons.LineStopped, fleet.Rollout.Why.Code);
    }

    [Theory]
    [InlineData("zone", FreezeRules.ZoneCode, "$.zone")]
    [InlineData("empty", FreezeRules.EmptyCode, "$.ends")]
    [InlineData("early", FreezeRules.TimeCode, "$.starts")]
    [InlineData("late", FreezeRules.TimeCode, "$.ends")]
    [InlineData("leap", FreezeRules.TimeCode, "$.starts")]
    [InlineData("overlap week", FreezeRules.OverlapCode, "$.ends")]
    [InlineData("overlap days", FreezeRules.OverlapCode, "$.ends")]
    [InlineData("overlap year", FreezeRules.OverlapCode, "$.ends")]
    [InlineData("days without week", FreezeRules.DaysCode, "$.days")]
    [InlineData("days without first", FreezeRules.DaysCode, "$.days")]
    [InlineData("days twice", FreezeRules.DaysCode, "$.days")]
    [InlineData("until without repetition", FreezeRules.UntilCode, "$.until")]
    [InlineData("until before", FreezeRules.UntilCode, "$.until")]
    public void What_is_wrong_with_a_window_has_a_code_and_a_place(string what, string code, string path)
    {
        // A Friday.
        var window = Window("2026-11-20T12:00", "2026-11-20T14:00");
        var weekly = window with { Repeats = FreezeRepeat.Weekly };
        var wrong = what switch
        {
            "zone" => window with { Zone = "Mars/Base" },
            "empty" => window with { Ends = window.Starts },
            "early" => window with { Starts = Local("1999-12-31T00:00") },
            "late" => window with { Ends = Local("2201-01-01T00:00") },
            "leap" => Window("2028-02-29T12:00", "2028-03-01T12:00") with { Repeats = FreezeRepeat.Yearly },
            "overlap week" => weekly with { Ends = Local("2026-11-27T12:01") },
            "overlap days" => weekly with { Days = [DayOfWeek.Saturday, DayOfWeek.Friday], Ends = Local("2026-11-21T12:01") },
            "overlap year" => window with { Repeats = FreezeRepeat.Yearly, Ends = Local("2027-11-20T12:01") },
            "days without week" => window with { Days = [DayOfWeek.Friday] },
            "days without first" => weekly with { Days = [DayOfWeek.Monday] },
            "days twice" => weekly with { Days = [DayOfWeek.Friday, DayOfWeek.Friday] },
            "until without repetition" => window with { Until = Local("2027-01-01T00:00") },
            _ => weekly with { Until = window.Starts },
        };

        var problem = FreezeRules.Set(Restraints.None, wrong).Problems.Single();

        Assert.Equal((code, path), (problem.Code, problem.Path));
    }

    [Fact]
    public void A_window_may_last_until_it_begins_again_and_all_that_is_wrong_is_told()
    {
        var weekly = Window("2026-11-20T12:00", "2026-11-27T12:00") with { Repeats = FreezeRepeat.Weekly };
        Assert.Empty(FreezeRules.Check(weekly));
        Assert.Empty(FreezeRules.Check(weekly with { Days = [DayOfWeek.Friday, DayOfWeek.Monday], Ends = Local("2026-11-23T12:00") }));
        Assert.Empty(FreezeRules.Check(weekly with { Repeats = FreezeRepeat.Yearly, Ends = Local("2027-11-20T12:00") }));
        Assert.Empty(FreezeRules.Check(weekly with { Repeats = FreezeRepeat.Never, Ends = Local("2029-11-20T12:00") }));

        Assert.Equal(
            [FreezeRules.ZoneCode, FreezeRules.TimeCode, FreezeRules.EmptyCode, FreezeRules.UntilCode],
            FreezeRules.Check(Window("2026-11-20T12:00", "1999-11-20T12:00") with { Zone = "", Until = Local("2027-01-01T00:00") }).Select(problem => problem.Code));
    }

    [Fact]
    public void Windows_are_set_by_name_up_to_a_hundred_and_taken_away()
    {
        var restraints = Restraints.None;
        for (var n = 0; n < FreezeWindow.CountMax; n++)
        {
            restraints = FreezeRules.Set(restraints, Denying(12, 13) with { Name = $"w{(n * 37 % 100).ToString("00", CultureInfo.InvariantCulture)}" }).Value!;
        }

        Assert.Equal(restraints.Windows.Select(window => window.Name).Order(StringComparer.Ordinal), restraints.Windows.Select(window => window.Name));
        Assert.Equal(FreezeRules.TooManyCode, FreezeRules.Set(restraints, Denying(12, 13)).Problems.Single().Code);
        restraints = FreezeRules.Set(restraints, Denying(12, 15) with { Name = "w07" }).Value!;
        Assert.Equal(Local("2026-11-20T15:00"), restraints.Windows.Single(window => window.Name == "w07").Ends);
        restraints = FreezeRules.Remove(restraints, "w07").Value!;
        Assert.Equal(FreezeRules.UnknownCode, FreezeRules.Remove(restraints, "w07").Problems.Single().Code);
        Assert.Equal(99, restraints.Windows.Length);
    }

    [Fact]
    public void What_is_stored_says_the_same_when_it_is_read()
    {
        var window = Denying(12, 13) with { Fleet = "edge", Repeats = FreezeRepeat.Weekly, Days = [DayOfWeek.Friday], Until = Local("2027-01-01T00:00") };
        var json = JsonSerializer.Serialize(With(window), PolicyJson.Options);
        var read = JsonSerializer.Deserialize<Restraints>(json, PolicyJson.Options)!.Windows.Single();

        Assert.Equal(JsonSerializer.Serialize(window, PolicyJson.Options), JsonSerializer.Serialize(read, PolicyJson.Options));
        Assert.Equal((window.Starts, DateTimeKind.Unspecified), (read.Starts, read.Starts.Kind));
        Assert.Empty(JsonSerializer.Deserialize<Restraints>("{}", PolicyJson.Options)!.Windows);
    }

    private static (string? Code, DateTimeOffset? Until) Held(Restraints restraints, int hour) =>
        FreezeRules.Frozen(restraints, "edge", Fleet.Start.AddHours(hour)) is { } why ? (why.Code, why.Until) : (null, null);

    private static Restraints With(params FreezeWindow[] windows) => new() { Windows = [.. windows] };

    // Hours of the day on which the fleet's story begins, at 12:00 UTC.
    private static FreezeWindow Denying(int from, int to) => Window(
        $"2026-11-20T{from.ToString("00", CultureInfo.InvariantCulture)}:00", $"2026-11-20T{to.ToString("00", CultureInfo.InvariantCulture)}:00", zone: "UTC");

    private static Waiver Lifting() => new()
    {
        WaiverId = "w1",
        Fleet = "edge",
        Rule = Waiver.FreezeWindow,
        Reason = "urgent",
        RequestedBy = Fleet.Author,
        RequestedAt = Fleet.Start,
        ExpiresAt = Fleet.Start.AddDays(1),
        Approvals = [new WaiverApproval(Fleet.Approver, "fine", Fleet.Start), new WaiverApproval(new("joe", "http", "key-joe"), "fine", Fleet.Start)],
    };

    private static Fleet Started()
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 100));
        return fleet;
    }
}
