using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class EvaluationTests
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    [Fact]
    public void However_a_context_is_written_it_decides_as_the_parsed_document_does()
    {
        var (held, failed, passed) = (0, 0, 0);
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new RandomRequest(new Random(seed));
            var list = random.Rules();
            var rules = Compile(list);
            for (var i = 0; i < 8; i++)
            {
                var context = random.Context(isLenient: i == 7);
                using var document = JsonDocument.Parse(context, Lenient);
                var request = new DecisionRequest("x", document.RootElement, DateTimeOffset.UnixEpoch);

                var expected = PlainDecision.Decide(JsonElement.Parse(list), document.RootElement);
                var decision = rules.Decide(request);

                Assert.True(
                    (decision.RuleId, decision.IsError) == (expected?.RuleId, expected?.IsError ?? false),
                    $"seed {seed}\n{list}\n{context}\nexpected {expected}\nactual {decision}");
                Assert.Equal(decision.RuleId, rules.Explain(request).Steps.LastOrDefault(step => step.Matched)?.RuleId);
                Assert.Equal(decision.IsError ? null : PlainDecision.RiskLevel(document.RootElement), decision.RiskLevel);
                _ = expected is null ? passed++ : expected.Value.IsError ? failed++ : held++;
            }
        }

        Assert.True(Math.Min(held, Math.Min(failed, passed)) > 200, $"{held} {failed} {passed}");
    }

    [Theory]
    [InlineData("""{"o":{"a":1},"o":{"b":2}}""", "b")]
    [InlineData("""{"o":{"b":2},"o":{"a":1}}""", "a")]
    [InlineData("""{"o":{"a":1},"o":5}""", null)]
    [InlineData("""{"o":{"a":1,"l":[{"c":3}]},"\u006f":{"l":[0]}}""", null)]
    [InlineData("""{"o":{"l":[{"c":3},{"c":4}]}}""", "c")]
    [InlineData("""{"o":{"l":[{"c":3,"c":4}]}}""", null)]
    public void Of_members_with_the_same_name_the_last_one_counts_with_all_that_is_in_it(string context, string? expected)
    {
        var rules = Compile("""
            [{"id":"a","match":{"path":"context.o.a","eq":1}},{"id":"b","match":{"path":"context.o.b","eq":2}},{"id":"c","match":{"path":"context.o.l[0].c","eq":3}}]
            """);

        Assert.Equal(expected, rules.Decide(new DecisionRequest("x", JsonElement.Parse(context), default)).RuleId);
    }

    [Fact]
    public void A_place_is_the_same_however_rules_write_it()
    {
        var rules = Compile("""
            [{"id":"a","match":{"all":[{"path":"context.o.l[0]","eq":1},{"path":"context[\"o\"].l[00]","eq":1},{"path":"context[\"o\"][\"l\"][1]","eq":{"path":"context.o[\"l\"][01]"}}]}}]
            """);

        Assert.Equal("a", rules.Decide(new DecisionRequest("x", JsonElement.Parse("""{"o":{"l":[1,2]}}"""), default)).RuleId);
    }

    [Fact]
    public void Rule_sets_of_any_size_decide_in_turn_on_one_thread()
    {
        var small = Compile("""[{"id":"a","match":{"path":"context.a","eq":1}}]""");
        var large = Compile("[" + string.Join(',', Enumerable.Range(0, 3_000).Select(i => $$$"""{"id":"r{{{i}}}","match":{"path":"context.o.feature_{{{i}}}_on","eq":true}}""")) + "]");

        for (var i = 0; i < 3_000; i += 100)
        {
            Assert.Equal("a", small.Decide(new DecisionRequest("x", JsonElement.Parse("""{"a":1}"""), default)).RuleId);
            Assert.Equal($"r{i}", large.Decide(new DecisionRequest("x", JsonElement.Parse($$$"""{"a":1,"o":{"feature_{{{i}}}_off":true,"feature_{{{i}}}_on":true}}"""), default)).RuleId);
            Assert.Null(large.Decide(new DecisionRequest("x", JsonElement.Parse("""{"a":1}"""), default)).RuleId);
        }
    }

    private static RuleSet Compile(string rules)
    {
        var bundle = BundleReader.Read(SomeBundle.OfRules(rules.Replace("\"match\"", "\"effect\":\"allow\",\"match\"", StringComparison.Ordinal)), BundleReadOptions.ForTrial);
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems) + rules);
        return RuleSet.Compile(bundle.Value).Value!;
    }
}
