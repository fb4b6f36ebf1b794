using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Review;

public sealed class DecisionDiffTests
{
    private static readonly string[] Effects = ["deny", "allow", "require_confirmation"];

    [Fact]
    public void Every_change_has_its_kind_and_the_most_dangerous_come_first()
    {
        // Capability ij: effect i before, effect j after.
        var pairs = Effects.SelectMany((_, i) => Effects.Select((_, j) => (I: i, J: j))).ToArray();
        var before = Rules(string.Join(',', pairs.Select(p => $$"""{"id":"b{{p.I}}{{p.J}}","effect":"{{Effects[p.I]}}","match":{"capability":"{{p.I}}{{p.J}}"} }""")));
        var after = Rules(string.Join(',', pairs.Select(p => $$"""{"id":"b{{p.I}}{{p.J}}","effect":"{{Effects[p.J]}}","match":{"capability":"{{p.I}}{{p.J}}"} }""")));

        var diff = DecisionDiff.Compare(before, after, pairs.Select(p => Request($"{p.I}{p.J}")));

        Assert.Equal((9, 6, 0), (diff.Compared, diff.Changed, diff.AnswersOnly));
        Assert.Equal(
            [
                DecisionChangeKind.DenyToAllow, DecisionChangeKind.AllowToDeny, DecisionChangeKind.ConfirmationToAllow,
                DecisionChangeKind.AllowToConfirmation, DecisionChangeKind.DenyToConfirmation, DecisionChangeKind.ConfirmationToDeny,
            ],
            diff.Changes.Select(c => c.Kind));
        Assert.Equal(["b01", "b10", "b21", "b12", "b02", "b20"], diff.Changes.Select(c => c.FromRule));
    }

    [Fact]
    public void Requests_that_change_in_the_same_way_are_counted_with_the_first_as_example()
    {
        var diff = DecisionDiff.Compare(
            Rules("""{"id":"a","effect":"allow","match":{"path":"context.n","lte":3}}"""),
            Rules("""{"id":"a","effect":"allow","match":{"path":"context.n","lte":1}},{"id":"z","effect":"deny","match":{"path":"context.n","eq":2}}"""),
            [.. Enumerable.Range(0, 5).Select(n => Request("x", $$"""{"n":{{n}}}""")), Request("x", """{"n":3,"second":true}""")]);

        Assert.Equal((6, 3, 50m), (diff.Compared, diff.Changed, diff.ChangedPercentage));
        Assert.Equal(["a -> : 2", "a -> z: 1"], diff.Changes.Select(c => $"{c.FromRule} -> {c.ToRule}: {c.Count}"));
        Assert.Equal("""{"n":3}""", diff.Changes[0].Example.Context!.Value.GetRawText());
        Assert.Equal((true, "default-deny"), (diff.Changes[0].Before.Allowed, diff.Changes[0].After.Reason));
    }

    [Theory]
    [InlineData("\"reason\":\"other\"")]
    [InlineData("\"suggested_alternative\":\"other\"")]
    public void Another_answer_alone_is_no_changed_decision(string field)
    {
        var diff = DecisionDiff.Compare(Rules("""{"id":"a","effect":"allow"}"""), Rules($$"""{"id":"a","effect":"allow",{{field}}}"""), [Request("x")]);

        Assert.Equal((0, 1, 0m), (diff.Changed, diff.AnswersOnly, diff.ChangedPercentage));
        Assert.Equal(DecisionChangeKind.AnswerOnly, Assert.Single(diff.Changes).Kind);
    }

    [Fact]
    public void A_denial_by_failure_is_told_apart_from_one_by_rule()
    {
        var diff = DecisionDiff.Compare(
            Rules("""{"id":"a","effect":"deny","match":{"path":"context.n","exists":true}}"""),
            Rules("""{"id":"a","effect":"deny","match":{"path":"context.n","gte":0},"reason":"n"}"""),
            [Request("x", """{"n":1}"""), Request("x", """{"n":"1"}""")]);

        Assert.Equal(2, diff.Changes.Length);
    }

    [Fact]
    public void Over_no_requests_nothing_changes() =>
        Assert.Equal(0, DecisionDiff.Compare(Rules("""{"id":"a","effect":"allow"}"""), Rules("""{"id":"a","effect":"deny"}"""), []).ChangedPercentage);

    [Fact]
    public void A_log_is_made_again_at_its_own_times_and_what_cannot_be_is_counted()
    {
        var replay = new DecisionReplay(Rules("""{"id":"a","effect":"allow","match":{"time_window":{"start":"8:00","end":"9:00"}},"reason":"early"}"""));
        var record = new DecisionRecord
        {
            At = new DateTimeOffset(2026, 1, 5, 8, 30, 0, TimeSpan.Zero),
            CapabilityId = "x",
            Decision = new Decision(true, false, "early", "a", null, null),
            PolicyHash = "h1",
            PolicyVersion = "1.0.0",
        };
        foreach (var one in new[]
        {
            record, record with { At = record.At.AddHours(1) }, record with { PolicyVersion = null }, record with { PolicyHash = null },
            record with { Lost = new RecordLoss(3, record.At, record.At), PolicyHash = null },
            record with { ContextKept = ContextKept.Masked }, record with { ContextKept = ContextKept.Dropped },
        })
        {
            replay.Add(DecisionRecord.Read(one.ToLine()));
        }

        replay.Add(DecisionRecord.Read("{"u8.ToArray()));
        replay.Add(DecisionRecord.Read("}"u8.ToArray()));

        var report = replay.ToReport();
        Assert.Equal((9, 1, 1, 1, 3), (report.Records, report.Masked, report.Dropped, report.Refused, report.Lost));
        Assert.Equal((2, 8), (report.Unreadable, report.FirstUnreadable));
        Assert.Equal((3, 1), (report.Diff.Compared, report.Diff.Changed));
        Assert.Equal(["1.0.0: 2", "h1: 1"], report.ByVersion.Select(v => $"{v.Key}: {v.Value}"));
        Assert.Null(new DecisionReplay(Rules("""{"id":"a","effect":"deny"}""")).ToReport().FirstUnreadable);
    }

    private static RuleSet Rules(string rules) =>
        RuleSet.Compile(BundleReader.Read(SomeBundle.OfRules($"[{rules}]"), BundleReadOptions.ForTrial).Value!).Value!;

    private static ReviewRequest Request(string capability, string? context = null) =>
        new(capability, context is null ? null : System.Text.Json.JsonElement.Parse(context), DateTimeOffset.UnixEpoch);
}
