using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Fleets;

public sealed class ReportRulesTests
{
    private static readonly string Hash = new('a', 64);
    private static readonly NodeReport Sound = new() { BootId = "boot", Seq = 1, Epoch = 1, Ack = true, PolicyHash = Hash };
    private static readonly ReloadRecord Reload = new(DateTimeOffset.UnixEpoch, "1.0.0", Hash, true, 3.5, 12);

    [Fact]
    public void A_sound_report_is_taken()
    {
        Assert.Null(ReportRules.Check(Sound));
        Assert.Null(ReportRules.Check(Sound with { PolicyHash = null, Error = "words", Ack = false, Reload = Reload }));
        Assert.Null(ReportRules.Check(Sound with { Reload = Reload with { PolicyHash = null, Error = "words" } }));
        Assert.Null(ReportRules.Check(With("latency_ms", new MetricValue(2, -7, Buckets(("10", 1), ("+Inf", 2))))));
    }

    [Fact]
    public void What_cannot_be_read_is_refused_with_its_place()
    {
        Refused("$.boot_id", Sound with { BootId = "" });
        Refused("$.boot_id", Sound with { BootId = new string('b', ReportRules.NameLengthMax + 1) });
        Refused("$", Sound with { Seq = -1 });
        Refused("$", Sound with { Epoch = -1 });
        Refused("$", Sound with { ArmEpoch = -1 });
        Refused("$", Sound with { Promotions = -1 });
        Refused("$", Sound with { Promotions = (long)ReportRules.ValueMax + 1 });
        Refused("$.policy_hash", Sound with { PolicyHash = Hash[1..] });
        Refused("$.policy_hash", Sound with { PolicyHash = Hash.ToUpperInvariant() });
        Refused("$.error", Sound with { Error = new string('e', ReportRules.ErrorLengthMax + 1) });
        Refused("$.error", Sound with { Reload = Reload with { Error = new string('e', ReportRules.ErrorLengthMax + 1) } });
        Refused("$.reload", Sound with { Reload = Reload with { DurationMs = double.NaN } });
        Refused("$.reload", Sound with { Reload = Reload with { DurationMs = -1 } });
        Refused("$.reload", Sound with { Reload = Reload with { Rules = -1 } });
        Refused("$.reload", Sound with { Reload = Reload with { PolicyHash = "nothing" } });
    }

    [Fact]
    public void Refusals_are_counted_by_codes_and_bounded()
    {
        var sound = new RejectedDecisions("decide.disarmed", 1, Hash, null, DateTimeOffset.UnixEpoch);

        Assert.Null(ReportRules.Check(Sound with { Rejections = [sound, sound with { ExpectedHash = null, GotHash = Hash }] }));
        Assert.Null(ReportRules.Check(Sound with { Rejections = default }));
        Refused("$.rejections", Sound with { Rejections = [null!] });
        Refused("$.rejections", Sound with { Rejections = [sound with { Reason = "" }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { Reason = "Not a code" }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { Reason = new string('r', ReportRules.NameLengthMax + 1) }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { Count = 0 }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { Count = long.MaxValue }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { ExpectedHash = "short" }] });
        Refused("$.rejections", Sound with { Rejections = [sound with { GotHash = "short" }] });
        Refused("$.rejections", Sound with { Rejections = [.. Enumerable.Repeat(sound, ReportRules.RejectionsMax + 1)] });
    }

    [Fact]
    public void What_a_node_says_of_a_shadow_is_bounded()
    {
        var change = new ShadowChange(DecisionChangeKind.AllowToDeny, "a", null, 1);
        var sound = new ShadowWord { PolicyHash = Hash, Compared = 3, Changed = 2, Dropped = 1, Changes = [change] };

        Assert.Null(ReportRules.Check(Sound with { Shadow = sound }));
        Assert.Null(ReportRules.Check(Sound with { Shadow = sound with { Changes = default, Error = "words" } }));
        Refused("$.shadow", Sound with { Shadow = sound with { PolicyHash = "short" } });
        Refused("$.shadow", Sound with { Shadow = sound with { Compared = -1, Changed = -1 } });
        Refused("$.shadow", Sound with { Shadow = sound with { Compared = long.MaxValue } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changed = -1 } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changed = 4 } });
        Refused("$.shadow", Sound with { Shadow = sound with { Dropped = -1 } });
        Refused("$.shadow", Sound with { Shadow = sound with { Dropped = long.MaxValue } });
        Refused("$.shadow", Sound with { Shadow = sound with { Error = new string('e', ReportRules.ErrorLengthMax + 1) } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [.. Enumerable.Repeat(change, ReportRules.ShadowChangesMax + 1)] } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [null!] } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [change with { Count = 0 }] } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [change with { Count = long.MaxValue }] } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [change with { FromRule = new string('r', ReportRules.NameLengthMax + 1) }] } });
        Refused("$.shadow", Sound with { Shadow = sound with { Changes = [change with { ToRule = new string('r', ReportRules.NameLengthMax + 1) }] } });
    }

    [Fact]
    public void Words_about_one_shadow_are_added_up_and_those_about_another_are_forgotten()
    {
        var one = new ShadowWord
        {
            PolicyHash = Hash,
            Compared = 10,
            Changed = 3,
            Dropped = 1,
            Changes = [new(DecisionChangeKind.AllowToDeny, "a", "b", 2), new(DecisionChangeKind.AnswerOnly, "c", "d", 1)],
        };
        var other = one with { Compared = 5, Changed = 1, Dropped = 0, Error = null, Changes = [new(DecisionChangeKind.AllowToDeny, "a", "b", 1)] };

        var sum = ShadowWord.Join(one, other)!;

        Assert.Equal((15, 4, 1), (sum.Compared, sum.Changed, sum.Dropped));
        Assert.Equal([new(DecisionChangeKind.AllowToDeny, "a", "b", 3), new(DecisionChangeKind.AnswerOnly, "c", "d", 1)], sum.Changes);
        Assert.Same(other, ShadowWord.Join(null, other));
        Assert.Null(ShadowWord.Join(one, null));
        Assert.Equal(5, ShadowWord.Join(one with { PolicyHash = new string('b', 64) }, other)!.Compared);
    }

    [Fact]
    public void Numbers_that_would_spoil_a_sum_are_refused()
    {
        Refused("$.metrics", Sound with { Metrics = null! });
        Refused("$.metrics", Sound with { Metrics = Enumerable.Range(0, ReportRules.MetricsMax + 1).ToImmutableSortedDictionary(i => $"m{i}", _ => new MetricValue(1, 1)) });
        Refused("$.metrics", With("", new MetricValue(1, 1)));
        Refused("$.metrics", With(new string('m', ReportRules.NameLengthMax + 1), new MetricValue(1, 1)));
        Refused("$.metrics", With("m", null!));
        Refused("$.metrics", With("m", new MetricValue(-1, 1)));
        Refused("$.metrics", With("m", new MetricValue(double.NaN, 1)));
        Refused("$.metrics", With("m", new MetricValue(1, double.PositiveInfinity)));
        Refused("$.metrics", With("m", new MetricValue(2 * ReportRules.ValueMax, 1)));
        Refused("$.metrics", With("m", new MetricValue(1, -2 * ReportRules.ValueMax)));
        Refused("$.metrics", With("m", new MetricValue(1, 1, Buckets(("1", -1)))));
        Refused("$.metrics", With("m", new MetricValue(1, 1, Buckets(("1", double.NaN)))));
        Refused("$.metrics", With("m", new MetricValue(1, 1, Buckets(("1", 2 * ReportRules.ValueMax)))));
        Refused("$.metrics", With("m", new MetricValue(1, 1, Buckets((new string('1', ReportRules.NameLengthMax + 1), 1)))));
        Refused("$.metrics", With("m", new MetricValue(1, 1, Buckets([.. Enumerable.Range(0, ReportRules.BucketsMax + 1).Select(i => ($"{i}", 1.0))]))));
    }

    [Fact]
    public void A_report_is_news_when_it_is_of_another_boot_or_later_in_the_same()
    {
        Assert.True(ReportRules.IsNews(Sound, null, 0));
        Assert.True(ReportRules.IsNews(Sound, "another", 9));
        Assert.True(ReportRules.IsNews(Sound, "boot", 0));
        Assert.False(ReportRules.IsNews(Sound, "boot", 1));
    }

    private static NodeReport With(string name, MetricValue value) =>
        Sound with { Metrics = ImmutableSortedDictionary<string, MetricValue>.Empty.Add(name, value) };

    private static ImmutableSortedDictionary<string, double> Buckets(params (string Bound, double Count)[] buckets) =>
        buckets.ToImmutableSortedDictionary(bucket => bucket.Bound, bucket => bucket.Count);

    private static void Refused(string path, NodeReport report)
    {
        var problem = ReportRules.Check(report);
        Assert.Equal((ReportRules.InvalidCode, path), (problem?.Code, problem?.Path));
    }
}
