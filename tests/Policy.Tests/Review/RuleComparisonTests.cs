using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Policy.Tests.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Review;

public sealed class RuleComparisonTests
{
    [Fact]
    public void The_two_versions_of_the_example_differ_as_their_readme_says()
    {
        var diff = RuleComparison.Compare(GatewayPolicyTests.Bundle("policy.json"), GatewayPolicyTests.Bundle("policy.v2.json"));

        Assert.Equal(["orders-export-night"], diff.Added.Select(r => r.RuleId));
        Assert.Equal(("admin-legacy-console", false, RuleEffect.Allow), diff.Removed.Select(r => (r.RuleId, r.Enabled, r.Effect)).Single());
        Assert.Equal(
            ["orders-create-small", "orders-create-large", "payments-refund-small", "payments-refund-medium", "privacy-export-self", "files-upload"],
            diff.Changed.Select(c => c.RuleId));
        Assert.Equal(["match.all[1].lte: 2000 -> 1500", "reason: \"orders up to 2,000\" -> \"orders up to 1,500\""], diff.Changed[0].Fields.Select(Text));
        Assert.Empty(diff.Moved);
        Assert.Empty(diff.Bundle);
        Assert.False(diff.IsEmpty);
    }

    [Fact]
    public void A_bundle_does_not_differ_from_itself() =>
        Assert.True(RuleComparison.Compare(GatewayPolicyTests.Bundle("policy.json"), GatewayPolicyTests.Bundle("policy.json")).IsEmpty);

    [Fact]
    public void Fields_that_come_go_and_change_are_told_apart_as_deep_as_they_are_alike()
    {
        var diff = Compare(
            """[{"id":"a","effect":"allow","priority":1,"match":{"any":[{"path":"context.x","in":["a","b","c"]},{"path":"context.y","eq":1}],"capability":"x"}}]""",
            """[{"id":"a","effect":"deny","reason":"why","match":{"any":[{"path":"context.x","in":["c","a","d","e"]},{"path":"context.y","eq":1.0}],"capability":["x"]}}]""");

        Assert.Equal(
            ["effect: \"allow\" -> \"deny\"", "priority: 1 -> ", "match.any[0].in[]: \"b\" -> ", "match.any[0].in[]:  -> \"d\"", "match.any[0].in[]:  -> \"e\"",
                "match.capability: \"x\" -> [\"x\"]", "reason:  -> \"why\""],
            Assert.Single(diff.Changed).Fields.Select(Text));
    }

    [Fact]
    public void Data_that_changed_is_told_with_every_rule_that_looks_at_it()
    {
        const string rules = """
            [{"id":"a","effect":"allow","match":{"path":"context.ip","cidr":{"data":"net.in"}}},{"id":"b","effect":"allow","match":{"path":"context.ip","cidr":{"data":"net.out"}}},
             {"id":"c","effect":"deny","match":{"any":[{"path":"context.n","eq":{"data":"max"}}]}}]
            """;
        var diff = RuleComparison.Compare(
            Bundle(rules, ",\"data\":{\"net\":{\"in\":[\"10.0.0.0/8\"],\"out\":[\"::1\"]},\"max\":1}"),
            Bundle(rules, ",\"data\":{\"net\":{\"in\":[\"10.0.0.0/8\",\"10.1.0.0/16\"],\"out\":[\"::1\"]},\"max\":2}"));

        Assert.Equal(["data.net.in[]:  -> \"10.1.0.0/16\"", "data.max: 1 -> 2"], diff.Bundle.Select(Text));
        Assert.Equal(["a data.net.in", "c data.max"], diff.Changed.Select(c => $"{c.RuleId} {string.Join(',', c.Data)}"));
    }

    [Fact]
    public void The_default_effect_is_told()
    {
        const string rules = """[{"id":"a","effect":"allow"}]""";
        var diff = RuleComparison.Compare(Bundle(rules), Bundle(rules, metadata: ",\"default_effect\":\"allow\""));

        Assert.Equal(["default_effect:  -> \"allow\""], diff.Bundle.Select(Text));
    }

    [Fact]
    public void Rules_without_ids_are_found_again_by_what_they_say()
    {
        var diff = Compare(
            """[{"match":{"intent_prefix":"a"},"decision":{"action":"deny"}},{"match":{"intent_prefix":"b"},"decision":{"action":"deny"}},{"match":{"intent_prefix":"c"},"decision":{"action":"deny"}}]""",
            """[{"match":{"intent_prefix":"z"},"decision":{"action":"deny"}},{"match":{"intent_prefix":"a"},"decision":{"action":"deny"}},{"match":{"intent_prefix":"c"},"decision":{"action":"allow"}},{"match":{"intent_prefix":"d"},"decision":{"action":"deny"}}]""");

        Assert.Equal(["match.intent_prefix: \"b\" -> \"z\"", "decision.action: \"deny\" -> \"allow\""], diff.Changed.Select(c => Text(Assert.Single(c.Fields))));
        Assert.Equal(["#3"], diff.Added.Select(r => r.RuleId));
        Assert.Empty(diff.Removed);
    }

    [Fact]
    public void A_rule_without_an_id_that_is_gone_is_removed()
    {
        const string a = """{"match":{"intent_prefix":"a"},"decision":{"action":"deny"}}""";

        Assert.Equal(["#1"], Compare($"[{a},{a}]", $"[{a}]").Removed.Select(r => r.RuleId));
    }

    [Fact]
    public void A_move_matters_where_the_other_rule_does_something_else_for_the_same_requests()
    {
        const string x = """{"id":"x","effect":"allow","match":{"capability":"x.*"}}""";
        const string y = """{"id":"y","effect":"deny","match":{"capability":"x.y"}}""";
        const string z = """{"id":"z","effect":"deny","match":{"capability":"z"}}""";
        const string w = """{"id":"w","effect":"allow","match":{"capability":"x.y"}}""";

        var moved = Assert.Single(Compare($"[{x},{y},{z},{w}]", $"[{y},{z},{w},{x}]").Moved);
        Assert.Equal(("x", "", "y"), (moved.RuleId, string.Join(',', moved.NowBefore), string.Join(',', moved.NowAfter)));
        var back = Assert.Single(Compare($"[{y},{z},{w},{x}]", $"[{x},{y},{z},{w}]").Moved);
        Assert.Equal(("x", "y", ""), (back.RuleId, string.Join(',', back.NowBefore), string.Join(',', back.NowAfter)));
        Assert.Empty(Compare($"[{x},{z}]", $"[{z},{x}]").Moved);
        Assert.Empty(Compare($"[{x},{w}]", $"[{w},{x}]").Moved);
    }

    [Fact]
    public void A_priority_moves_too_and_what_is_off_does_not()
    {
        var diff = Compare(
            """[{"id":"x","effect":"allow"},{"id":"y","effect":"deny"},{"id":"off","enabled":false,"effect":"deny"}]""",
            """[{"id":"off","enabled":false,"effect":"deny"},{"id":"x","effect":"allow"},{"id":"y","priority":1,"effect":"deny"}]""");

        Assert.Single(diff.Moved);
        Assert.Equal(["priority:  -> 1"], Assert.Single(diff.Changed).Fields.Select(Text));
    }

    [Fact]
    public void Ids_that_stand_twice_in_unisons_bundles_are_told_apart()
    {
        const string two = """{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{"id":"x","effect":"allow"},{"id":"x","effect":"deny"}]}""";
        var before = BundleReader.Read(System.Text.Encoding.UTF8.GetBytes(two), BundleReadOptions.ForTrial).Value!;
        var after = BundleReader.Read(System.Text.Encoding.UTF8.GetBytes(two.Replace("deny", "require_confirmation", StringComparison.Ordinal)), BundleReadOptions.ForTrial).Value!;

        Assert.Equal(["effect: \"deny\" -> \"require_confirmation\""], Assert.Single(RuleComparison.Compare(before, after).Changed).Fields.Select(Text));
    }

    private static string Text(FieldChange change) => $"{change.Path}: {change.Before?.GetRawText()} -> {change.After?.GetRawText()}";

    private static RuleDiff Compare(string before, string after) => RuleComparison.Compare(Bundle(before), Bundle(after));

    private static Bundle Bundle(string rules, string others = "", string metadata = "") =>
        BundleReader.Read(SomeBundle.OfRules(rules, metadata, others), BundleReadOptions.ForTrial).Value!;
}
