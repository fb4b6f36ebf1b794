using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class KnownRulesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Rules_that_stand_in_both_bundles_are_taken_over_and_the_others_read()
    {
        var before = Read([Rule(0), Rule(1), Rule(2), Rule(3)]);

        var after = Read([Rule(9), Rule(0), Rule(2), Rule(3, value: 33)], previous: before);

        Assert.Equal(["r9", "r0", "r2", "r3"], after.Rules.Select(rule => rule.Id));
        Assert.Equal([0, 1, 2, 3], after.Rules.Select(rule => rule.Position));
        Assert.Equal([false, true, true, false], after.Rules.Select(rule => before.Rules.Any(old => old.Conditions == rule.Conditions)));
        Assert.Same(before.Rules[2], after.Rules[2]);
        Assert.Same(before.Paths, after.Paths);
    }

    [Theory]
    [InlineData("first")]
    [InlineData("#3")]
    public void A_rule_without_an_id_that_is_taken_over_at_another_place_is_named_after_that_one(string id)
    {
        const string Null = "\"id\":null,", Empty = "\"id\":\"\",";
        var named = Unnamed(7, $"\"id\":\"{id}\",");
        var before = Read([Unnamed(0), Unnamed(1, Null), Unnamed(2, Empty)]);

        var after = Read([named, Unnamed(0), Unnamed(1, Null)], before);
        var again = Read([Unnamed(0), Unnamed(2, Empty), named], Read([named, Unnamed(0), Unnamed(2, Empty)], before));

        Assert.Equal([id, "#1", "#2"], after.Rules.Select(rule => rule.Id));
        Assert.Equal(["#0", "#1", id], again.Rules.Select(rule => rule.Id));
        Assert.Equal(before.Rules[0].Conditions, after.Rules[1].Conditions);
    }

    [Fact]
    public void The_first_of_rules_without_ids_may_go()
    {
        var before = Read([Unnamed(0), Unnamed(1), Unnamed(2)]);

        var after = Read([Unnamed(1), Unnamed(2)], before);

        Assert.Equal(["#0", "#1"], after.Rules.Select(rule => rule.Id));
        Assert.Equal("#1", Decide(RuleSet.Compile(after).Value!, """{"o2":{"v":2}}""").RuleId);
    }

    [Fact]
    public void What_is_read_beside_another_bundle_outlives_the_bytes_it_was_read_from()
    {
        const string list = """{"id":"list","effect":"deny","match":{"path":"context.tags","eq":["a","b"]}}""";
        const string data = """{"id":"data","effect":"allow","match":{"path":"context.country","in":{"data":"countries"}}}""";
        var bytes = SomeBundle.OfRules($"[{list},{data}]", others: ""","data":{"countries":["DE","FR"]}""");

        var bundle = BundleReader.Read(bytes, BundleReadOptions.ForTrial with { Previous = Read([Rule(0)]) }).Value!;
        bytes.AsSpan().Fill((byte)' ');

        var rules = RuleSet.Compile(bundle).Value!;
        Assert.Equal(list, bundle.Rules[0].Source.GetRawText());
        Assert.Equal("""{"countries":["DE","FR"]}""", bundle.Data.GetRawText());
        Assert.Equal("list", Decide(rules, """{"tags":["a","b"]}""").RuleId);
        Assert.Equal("data", Decide(rules, """{"country":"FR"}""").RuleId);
        Assert.Equal(
            """does not hold: context.country in ["DE","FR"]""",
            rules.Explain(new DecisionRequest("x", default, Noon)).Steps[1].Why);
    }

    [Fact]
    public void Other_data_means_other_rules()
    {
        const string rule = """[{"id":"data","effect":"allow","match":{"path":"context.country","in":{"data":"countries"}}}]""";
        var before = Read(SomeBundle.OfRules(rule, others: ""","data":{"countries":["DE"]}"""), null);

        var after = Read(SomeBundle.OfRules(rule, others: ""","data":{"countries":["FR"]}"""), before);

        Assert.Equal("data", Decide(RuleSet.Compile(before).Value!, """{"country":"DE"}""").RuleId);
        Assert.Null(Decide(RuleSet.Compile(after).Value!, """{"country":"DE"}""").RuleId);
        Assert.NotSame(before.Paths, after.Paths);
        Assert.NotSame(before.Paths, Read([Rule(0)], previous: before).Paths);
    }

    [Fact]
    public void Nothing_is_taken_over_where_more_is_demanded_or_too_much_has_gathered()
    {
        const string unknown = """[{"id":"a","effect":"deny","colour":"red"}]""";
        var before = Read(SomeBundle.OfRules(unknown), null);
        var strict = BundleReader.Read(SomeBundle.OfRules(unknown), BundleReadOptions.ForTrial with { Strict = true, Previous = before });
        Assert.Equal("bundle.unknown_field", strict.Problems[0].Code);

        var many = string.Join(',', Enumerable.Range(0, KnownRules.PlacesMax).Select(i => $$"""{"path":"context.p{{i}}","eq":1}"""));
        var large = Read(SomeBundle.OfRules($$$"""[{"id":"a","effect":"deny","match":{"any":[{{{many}}}]}}]"""), null);
        Assert.NotSame(large.Paths, Read([Rule(0)], previous: large).Paths);

        var document = Read("""{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"tests","kind":"document"},"document":{}}"""u8.ToArray(), before);
        Assert.Equal("{}", document.Document.GetRawText());
        Assert.Equal("r0", Read([Rule(0)], previous: document).Rules[0].Id);
    }

    [Fact]
    public void A_rule_taken_over_may_not_stand_twice_and_what_is_wrong_is_told_with_its_place()
    {
        var before = Read([Rule(0), Rule(1)]);
        var rules = $$"""[{{Rule(0)}},{{Rule(1)}},{{Rule(0)}},{"id":"x","effect":"perhaps"}]""";

        var refused = BundleReader.Read(SomeBundle.OfRules(rules), BundleReadOptions.ForTrial with { Previous = before });

        Assert.Equal(
            ["bundle.rule.id_duplicate $.policies[2].id", "bundle.rule.effect $.policies[3].effect"],
            refused.Problems.Select(problem => $"{problem.Code} {problem.Path}"));
    }

    [Fact]
    public void A_bundle_read_beside_another_is_the_bundle_read_alone()
    {
        var named = Gen.Zip(Gen.Choose(0, 40), Gen.Choose(0, 2)).Select(given => Rule(given.Item1, given.Item2));
        var unnamed = Gen.Choose(0, 40).Select(number => Unnamed(number));
        var likePlaces = Gen.Zip(Gen.Choose(0, 40), Gen.Choose(0, 40)).Select(given => Unnamed(given.Item1, $"\"id\":\"#{given.Item2}\","));
        var rules = Gen.Frequency((6, named), (3, unnamed), (1, likePlaces)).ListOf();
        var (readAlone, refusedAlone) = (0, 0);
        Prop.ForAll(Gen.Zip(rules, rules).ToArbitrary(), given =>
        {
            var (left, right) = given;
            Outcome<Bundle> TryRead(IEnumerable<string> written, Bundle? previous) => BundleReader.Read(
                SomeBundle.OfRules($$"""[{{string.Join(',', written.DistinctBy(r => r.Split(',')[0]).Prepend("""{"id":"first","effect":"deny","match":{"path":"context.stop","eq":true}}"""))}}]"""),
                BundleReadOptions.ForTrial with { Previous = previous });
            var alone = TryRead(left.Concat(right), null);
            var previous = TryRead(left.AsEnumerable().Reverse(), null);
            var beside = TryRead(left.Concat(right), previous.Succeeded ? previous.Value : null);
            if (!alone.Succeeded)
            {
                refusedAlone++;
                return alone.Problems.SequenceEqual(beside.Problems);
            }

            readAlone++;
            var (one, other) = (RuleSet.Compile(alone.Value).Value!, RuleSet.Compile(beside.Value!).Value!);
            return alone.Value.PolicyHash == beside.Value!.PolicyHash
                && alone.Value.Rules.Select(r => (r.Id, r.Position)).SequenceEqual(beside.Value.Rules.Select(r => (r.Id, r.Position)))
                && Enumerable.Range(0, 41).All(i => Explained(one, i) == Explained(other, i));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
        Assert.True(readAlone > 0 && refusedAlone > 0, $"{readAlone} read, {refusedAlone} refused");
    }

    [Fact]
    public async Task Bundles_read_at_the_same_time_may_follow_the_same_one()
    {
        var before = Read(Enumerable.Range(0, 50).Select(i => Rule(i)));

        var after = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(
            () => Read(Enumerable.Range(0, 50).Select(i => Rule(i, value: i % (n + 2))).Append(Rule(100 + n)), before))));

        foreach (var (bundle, n) in after.Select((bundle, n) => (bundle, n)))
        {
            Assert.Same(before.Paths, bundle.Paths);
            Assert.Equal($"r{100 + n}", Decide(RuleSet.Compile(bundle).Value!, $$$"""{"o{{{100 + n}}}":{"v":{{{100 + n}}}}}""").RuleId);
        }
    }

    // Looks into an object of its own, at a value that is its number unless another is given.
    private static string Rule(int number, int? value = null) =>
        $$$"""{"id":"r{{{number}}}","effect":"allow","match":{"path":"context.o{{{number}}}.v","eq":{{{value ?? number}}}}}""";

    // The same with a decision, as unison writes it, which needs no id.
    private static string Unnamed(int number, string id = "") =>
        $$$"""{{{{id}}}"match":{"path":"context.o{{{number}}}.v","eq":{{{number}}}},"decision":{"action":"allow"}}""";

    private static Bundle Read(IEnumerable<string> rules, Bundle? previous = null) => Read(SomeBundle.OfRules($"[{string.Join(',', rules)}]"), previous);

    private static Bundle Read(byte[] bundle, Bundle? previous)
    {
        var read = BundleReader.Read(bundle, BundleReadOptions.ForTrial with { Previous = previous });
        Assert.True(read.Succeeded, read.Succeeded ? "" : read.Problems[0].Message);
        return read.Value;
    }

    private static Decision Decide(RuleSet rules, string context) => rules.Decide(new DecisionRequest("x", JsonElement.Parse(context), Noon));

    private static string Explained(RuleSet rules, int number)
    {
        var trace = rules.Explain(new DecisionRequest("x", JsonElement.Parse($$$"""{"o{{{number}}}":{"v":{{{number % 3}}}}}"""), Noon));
        return JsonSerializer.Serialize(trace);
    }
}
