using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class RuleSetTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_first_rule_in_order_of_priority_decides()
    {
        var rules = Compile(SomeBundle.Native);

        Assert.Equal("refund", Decide(rules, "orders.read", """{"amount":101}""").RuleId);
        Assert.Equal(new Decision(true, false, "reading is open", "read", null, null), Decide(rules, "orders.read", """{"amount":100}"""));
        Assert.Equal(new Decision(false, false, "default-deny", null, null, null), Decide(rules, "stock.read", "{}"));
        Assert.Equal((2, "1.0.0", DefaultEffect.Deny), (rules.Count, rules.Version, rules.DefaultEffect));
    }

    [Fact]
    public void Among_equal_priorities_the_position_decides_and_rules_that_are_not_enabled_do_not_exist()
    {
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"off","effect":"allow","priority":9,"enabled":false},
             {"id":"first","effect":"allow"},{"id":"second","effect":"deny"},{"id":"last","effect":"deny","priority":-1}]
            """));

        Assert.Equal("first", Decide(rules, "x", "{}").RuleId);
        Assert.Equal(3, rules.Count);
    }

    [Fact]
    public void What_is_remembered_of_one_place_is_never_taken_for_another()
    {
        // More objects than are remembered at once, each looked into twice, and some of them within others.
        var names = Enumerable.Range(0, 24).Select(i => i % 3 == 0 ? $"o{i}" : $"o{i - (i % 3)}.p{i}").ToArray();
        var conditions = names.Concat(names).Select((name, i) => $$$"""{"path":"context.{{{name}}}.v{{{i % 2}}}","eq":"{{{name}}}"}""");
        var rules = Compile(SomeBundle.OfRules($$$"""[{"id":"all","effect":"allow","match":{"all":[{{{string.Join(',', conditions)}}}]}}]"""));
        var objects = Enumerable.Range(0, 8).Select(i => i * 3).Select(i => $$$"""
            "o{{{i}}}":{"v0":"o{{{i}}}","v1":"o{{{i}}}","p{{{i + 1}}}":{"v0":"o{{{i}}}.p{{{i + 1}}}","v1":"o{{{i}}}.p{{{i + 1}}}"},"p{{{i + 2}}}":{"v0":"o{{{i}}}.p{{{i + 2}}}","v1":"o{{{i}}}.p{{{i + 2}}}"}}
            """);
        var context = "{" + string.Join(',', objects) + "}";

        Assert.Equal("all", Decide(rules, "x", context).RuleId);
        Assert.Null(Decide(rules, "x", context.Replace("\"v1\":\"o21\"", "\"v1\":\"o18\"", StringComparison.Ordinal)).RuleId);
    }

    [Theory]
    [InlineData("", null, null, "default-deny")]
    [InlineData("", DefaultEffect.Allow, null, "default-allow")]
    [InlineData("", DefaultEffect.Deny, DefaultEffect.Allow, "default-allow")]
    [InlineData(",\"default_effect\":\"deny\"", DefaultEffect.Allow, null, "default-deny")]
    [InlineData(",\"default_effect\":\"allow\"", DefaultEffect.Deny, null, "default-allow")]
    [InlineData(",\"default_effect\":\"deny\"", null, DefaultEffect.Allow, "default-allow")]
    [InlineData(",\"default_effect\":\"allow\"", null, DefaultEffect.Deny, "default-deny")]
    public void What_no_rule_matches_gets_the_default_of_the_request_the_bundle_or_the_process(
        string metadata, DefaultEffect? process, DefaultEffect? request, string reason)
    {
        var bundle = BundleReader.Read(SomeBundle.OfRules("""[{"id":"a","effect":"deny","match":{"capability":"never"}}]""", metadata), BundleReadOptions.ForTrial).Value!;

        var decision = Decide(RuleSet.Compile(bundle, process, request).Value!, "x", "{}");

        Assert.Equal(new Decision(reason == "default-allow", false, reason, null, null, null), decision);
    }

    [Fact]
    public void A_rule_that_cannot_be_evaluated_denies_only_where_it_is_reached()
    {
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"vip","effect":"allow","match":{"path":"context.vip","eq":true}},
             {"id":"amount","effect":"deny","match":{"path":"context.amount","gt":5}},
             {"id":"rest","effect":"allow"}]
            """));

        Assert.Equal("vip", Decide(rules, "x", """{"vip":true,"amount":"?"}""").RuleId);
        Assert.Equal("rest", Decide(rules, "x", """{"amount":4}""").RuleId);
        Assert.Equal(0, rules.Errors);
        var decision = Decide(rules, "x", """{"amount":"?"}""");
        Assert.Equal((false, true, "amount", "evaluation-error: context.amount is no number"), (decision.Allowed, decision.IsError, decision.RuleId, decision.Reason));
        Assert.Equal(1, rules.Errors);
    }

    [Fact]
    public void A_context_that_is_absent_or_null_is_an_empty_one()
    {
        var rules = Compile(SomeBundle.OfRules("""[{"id":"a","effect":"allow","match":{"path":"context.x","exists":false}}]"""));

        Assert.True(rules.Decide(new DecisionRequest("x", default, Noon)).Allowed);
        Assert.True(Decide(rules, "x", "null").Allowed);
        Assert.True(rules.Decide(new DecisionRequest(null!, default, Noon)).Allowed);
        Assert.True(rules.Explain(new DecisionRequest(null!, default, Noon)).Decision.Allowed);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("\"text\"")]
    [InlineData("false")]
    public void A_context_that_is_something_else_is_denied_whatever_the_rules_say(string context)
    {
        var rules = Compile(SomeBundle.OfRules("""[{"id":"a","effect":"allow"}]""", ",\"default_effect\":\"allow\""));

        Assert.Equal(new Decision(false, false, "evaluation-error: context is no object", null, null, null) { IsError = true }, Decide(rules, "x", context));
        Assert.Empty(rules.Explain(new DecisionRequest("x", JsonElement.Parse(context), Noon)).Steps);
    }

    [Theory]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"\ud800":1,"a":"x"}""")]
    public void Half_a_surrogate_pair_in_the_context_never_throws_and_never_allows(string context)
    {
        var rules = Compile(SomeBundle.OfRules("""[{"id":"a","effect":"deny","match":{"path":"context.a","regex":"y"}},{"id":"b","effect":"deny","match":{"path":"context.a","prefix":"z"}}]"""));

        Assert.False(Decide(rules, "x", context).Allowed);
        Assert.False(rules.Explain(new DecisionRequest("x", JsonElement.Parse(context), Noon)).Decision.Allowed);
    }

    [Fact]
    public void A_context_whose_document_is_gone_is_denied()
    {
        var rules = Compile(SomeBundle.OfRules("""[{"id":"a","effect":"allow"},{"id":"b","effect":"allow","match":{"path":"context.a","eq":1}}]"""));
        JsonElement gone;
        using (var document = JsonDocument.Parse("{}"))
        {
            gone = document.RootElement;
        }

        Assert.True(rules.Decide(new DecisionRequest("x", gone, Noon)).IsError);
        Assert.True(rules.Explain(new DecisionRequest("x", gone, Noon)).Decision.IsError);
    }

    [Fact]
    public void Long_capabilities_are_decided_like_short_ones()
    {
        var capability = "orders." + new string('é', 1_000);
        var rules = Compile(SomeBundle.OfRules("""[{"id":"a","effect":"allow","match":{"capability":"orders.*","path":"capability_id","suffix":"é"}}]"""));

        Assert.True(Decide(rules, capability, "{}").Allowed);
        Assert.False(Decide(rules, capability + "x", "{}").Allowed);
    }

    [Fact]
    public void A_trace_says_why_each_rule_did_or_did_not_match()
    {
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"a","effect":"deny","match":{"capability":["orders.write","stock.*"]}},
             {"id":"b","effect":"deny","match":{"time_window":{"start":"22:00","end":"06:00","days":["mon","sun"]}}},
             {"id":"c","effect":"deny","match":{"not":{"any":[{"path":"context.a","eq":1},{"path":"context.b","ne":{"path":"context.c"}}]}}},
             {"id":"d","effect":"allow","priority":-1,"match":{"path":"context.a","gte":1,"exists":true}},
             {"id":"e","effect":"allow","priority":-2}]
            """));

        var trace = rules.Explain(new DecisionRequest("orders.read", JsonElement.Parse("""{"a":1}"""), Noon));

        Assert.Equal(
            [
                new DecisionStep("a", 0, 0, false, "does not hold: capability_id is orders.write or stock.*"),
                new DecisionStep("b", 1, 0, false, "does not hold: time is 22:00 to 06:00 UTC on Sunday, Monday"),
                new DecisionStep("c", 2, 0, false, "does not hold: not (any of (context.a eq 1; context.b ne context.c))"),
                new DecisionStep("d", 3, -1, true, "holds: context.a gte 1 and exists"),
            ],
            trace.Steps);
        Assert.False(trace.Truncated);
        Assert.Equal("d", trace.Decision.RuleId);
        var bare = Compile(SomeBundle.OfRules("""[{"id":"e","effect":"allow"}]""")).Explain(new DecisionRequest("x", default, Noon));
        Assert.Equal("has no conditions", Assert.Single(bare.Steps).Why);
    }

    [Fact]
    public void Every_kind_of_condition_has_words()
    {
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"a","effect":"allow","match":{"auth_scope":"s","safety_context":{"data_classification":"c"},"target":{"device_class":"d"},
              "policy_context.scopes":"p.*","action_envelope.risk_level":"low","persons":["unknown"],"time_window":{"start":"9:00","end":"17:00"},
              "all":[{"path":"context.auth_scope","exists":true},{"path":"context.x","exists":false},{"path":"context.auth_scope","prefix":"s","contains":"s"},{"path":"context.ip","cidr":"10.0.0.0/8"}]}}]
            """));

        var trace = rules.Explain(new DecisionRequest("x", JsonElement.Parse("""
            {"auth_scope":"s","ip":"10.0.0.1","safety_context":{"data_classification":"c"},"policy_context":{"scopes":["p.x"]},
             "action_envelope":{"risk_level":"low","target":{"device_class":"d"}}}
            """), Noon));

        Assert.Equal(
            "holds: time is 09:00 to 17:00 UTC; auth_scope is \"s\"; safety_context.data_classification is \"c\"; target.device_class is \"d\"; "
            + "policy_context.scopes is \"p.*\"; action_envelope.risk_level is \"low\"; persons has [\"unknown\"]; "
            + "all of (context.auth_scope exists; context.x does not exist; context.auth_scope prefix \"s\" and contains \"s\"; context.ip cidr \"10.0.0.0/8\")",
            Assert.Single(trace.Steps).Why);
    }

    [Fact]
    public void A_trace_passes_over_what_deciding_passes_over()
    {
        // None of the first three is for this capability; the first two could not be evaluated if they were looked at.
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"a","effect":"deny","match":{"all":[{"path":"context.amount","gt":5},{"capability":["orders.read","stock.*"]}]}},
             {"id":"b","effect":"deny","match":{"any":[{"all":[{"path":"context.amount","gt":5},{"capability":"orders.*"}]},{"capability":"stock.read"}]}},
             {"id":"c","effect":"deny","match":{"all":[{"path":"context.amount","exists":true},{"capability":"orders.*"}]}},
             {"id":"d","effect":"allow","match":{"capability":"users.*"}}]
            """));

        var trace = rules.Explain(new DecisionRequest("users.read", JsonElement.Parse("""{"amount":"?"}"""), Noon));

        Assert.Equal(
            [
                new DecisionStep("a", 0, 0, false, "does not hold: capability_id is orders.read or stock.*"),
                new DecisionStep("b", 1, 0, false, "does not hold: capability_id is stock.read or orders.*"),
                new DecisionStep("c", 2, 0, false, "does not hold: capability_id is orders.*"),
                new DecisionStep("d", 3, 0, true, "holds: capability_id is users.*"),
            ],
            trace.Steps);
        Assert.Equal("d", trace.Decision.RuleId);
    }

    [Fact]
    public void A_trace_has_a_limit()
    {
        var many = string.Join(',', Enumerable.Range(0, DecisionTrace.StepsMax + 5).Select(i => $$$"""{"id":"r{{{i}}}","effect":"deny","match":{"path":"context.a","eq":1}}"""));

        var trace = Compile(SomeBundle.OfRules($"[{many}]")).Explain(new DecisionRequest("x", default, Noon));

        Assert.True(trace.Truncated);
        Assert.Equal(DecisionTrace.StepsMax, trace.Steps.Length);
        Assert.Equal("default-deny", trace.Decision.Reason);
    }

    [Fact]
    public void A_rule_stands_in_the_index_once_however_often_it_names_a_capability()
    {
        var rules = SomeBundle.OfRules("""
            [{"id":"a","effect":"deny","match":{"capability":["orders.*","orders.read","orders.read"]}},
             {"id":"b","effect":"deny","match":{"capability":["orders.read","stock.read"]}},
             {"id":"c","effect":"deny","match":{"capability":"orders.*"}}]
            """);

        var index = new RuleIndex(BundleReader.Read(rules, BundleReadOptions.ForTrial).Value!.Rules);

        Assert.Equal([0, 1, 2], index.Select("orders.read"));
        Assert.Equal([0, 2], index.Select("orders.write"));
        Assert.Equal([1], index.Select("stock.read"));
    }

    [Fact]
    public void What_a_decision_takes_is_counted_by_the_rules_that_can_concern_it_and_by_the_size_of_what_they_say_and_see()
    {
        var rules = Compile(SomeBundle.OfRules($$$"""
            [{"id":"a","effect":"deny","match":{"capability":"orders.read"}},
             {"id":"b","effect":"deny","match":{"capability":"orders.*"}},
             {"id":"c","effect":"deny","match":{"path":"context.n","in":["{{{new string('x', 600)}}}"]}},
             {"id":"off","effect":"deny","enabled":false}]
            """));
        var large = JsonElement.Parse($$"""{"n":"{{new string('x', 2_048)}}"}""");

        Assert.Equal(5, rules.Effort(new DecisionInput("orders.read", default), most: 100));
        Assert.Equal(4, rules.Effort(new DecisionInput("orders.write", JsonElement.Parse("{}")), most: 100));
        Assert.Equal(3, rules.Effort(new DecisionInput("stock.read", default), most: 100));
        Assert.Equal(9, rules.Effort(new DecisionInput("stock.read", large), most: 100));
        Assert.Equal(2, rules.Effort(new DecisionInput("orders.read", default), most: 1));
    }

    [Fact]
    public void Names_and_paths_that_are_written_with_escapes_are_the_same_names_and_paths()
    {
        var rules = Compile(SomeBundle.OfRules("""
            [{"id":"plain","effect":"deny","match":{"path":"context.user","eq":1}},
             {"id":"escaped","effect":"allow","match":{"p\u0061th":"context.us\u0065r","\u0065q":2}}]
            """));

        Assert.Equal("escaped", Decide(rules, "x", """{"user":2}""").RuleId);
        Assert.Null(Decide(rules, "x", """{"user":3}""").RuleId);
    }

    [Fact]
    public void The_index_changes_no_decision()
    {
        // Rules over overlapping prefixes and exact names, decided by the index and by trying them one after another.
        var names = Gen.Elements("a", "ab", "abc", "b", "a.b", "é", "").ListOf().Select(string.Concat);
        var selector = Gen.OneOf(
            names.Select(n => $$"""{"capability":["{{n}}x","{{n}}*"]}"""),
            names.Select(n => $$"""{"capability":"{{n}}z"}"""),
            names.Select(n => $$"""{"intent_prefix":"{{n}}"}"""),
            names.Select(n => $$"""{"any":[{"capability":"{{n}}*"},{"capability":"q"}]}"""),
            names.Select(n => $$"""{"any":[{"capability":"{{n}}*"},{"path":"context.x","exists":true}]}"""),
            names.Select(n => $$"""{"all":[{"path":"context.x","exists":false},{"capability":"{{n}}*"}]}"""),
            Gen.Constant("""{"path":"context.x","exists":false}"""));
        var rule = Gen.Zip(selector, Gen.Choose(0, 2));
        Prop.ForAll(Gen.Zip(rule.ListOf(), names.ListOf()).ToArbitrary(), given =>
        {
            var (chosen, capabilities) = given;
            var list = string.Join(',', chosen.Select((r, i) => $$"""{"id":"r{{i}}","effect":"allow","priority":{{r.Item2}},"match":{{r.Item1}}}"""));
            var bundle = SomeBundle.OfRules($$"""[{{list}}{{(list.Length > 0 ? "," : "")}}{"id":"last","effect":"deny","priority":-1}]""");
            var rules = Compile(bundle);
            var oneByOne = BundleReader.Read(bundle, BundleReadOptions.ForTrial).Value!.Rules.OrderByDescending(r => r.Priority)
                .Select(r => new CompiledRule(r, new PathTable().RiskLevel)).ToArray();
            return capabilities.Concat(["q", "", "abcx", "abz"]).All(capability =>
            {
                var first = oneByOne.First(r => HoldsByItself(r, capability)).Rule.Id;
                return rules.Decide(new DecisionRequest(capability, default, Noon)).RuleId == first
                    && rules.Explain(new DecisionRequest(capability, default, Noon)).Steps[^1].RuleId == first;
            });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

        static bool HoldsByItself(CompiledRule rule, string capability)
        {
            var evaluation = new Evaluation(capability, DecisionContext.Empty, Noon);
            return rule.Evaluate(ref evaluation, isChosen: false) == Truth.Yes;
        }
    }

    [Fact]
    public void Prefixes_within_prefixes_beyond_the_limit_are_scanned_instead_of_indexed()
    {
        // 4,000 prefixes, each the beginning of the next: 8 million entries if they were all listed.
        var nested = string.Join(',', Enumerable.Range(1, 4_000).Select(i => $$$"""{"id":"r{{{i}}}","effect":"allow","match":{"capability":"{{{new string('a', i)}}}*","path":"context.n","eq":{{{i}}}}}"""));
        var rules = Compile(SomeBundle.OfRules($"[{nested}]"));

        Assert.Equal("r7", Decide(rules, new string('a', 10), """{"n":7}""").RuleId);
        Assert.Null(Decide(rules, new string('a', 6), """{"n":7}""").RuleId);
    }

    [Fact]
    public void Deciding_allocates_nothing_on_the_usual_path()
    {
        var rules = RuleSet.Compile(GatewayPolicyTests.Bundle("policy.json")).Value!;
        var requests = JsonElement.Parse(Repository.Read("examples/gateway-policy/decisions.json")).GetProperty("decisions").EnumerateArray()
            .Select(d => new DecisionRequest(d.GetProperty("capability_id").GetString()!, d.GetProperty("context"), Noon))
            .Where(r => !rules.Decide(r).IsError && r.Context!.Utf8.IndexOf("::"u8) < 0) // Errors and IPv6 are unusual.
            .ToArray();
        Assert.InRange(requests.Length, 40, 1_000);
        for (var i = 0; i < 100; i++)
        {
            Array.ForEach(requests, r => rules.Decide(r));
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var request in requests)
        {
            rules.Decide(request);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Many_threads_decide_at_once()
    {
        var rules = RuleSet.Compile(GatewayPolicyTests.Bundle("policy.json")).Value!;
        var context = JsonElement.Parse("""{"subject":{"roles":["support"]},"action_envelope":{"risk_level":"high"},"request":{"ip":"10.0.0.1"}}""");
        var expected = rules.Decide(new DecisionRequest("orders.read", context, Noon));

        Parallel.For(0, 20_000, i => Assert.Equal(expected, rules.Decide(new DecisionRequest("orders.read", context, Noon))));
    }

    private static RuleSet Compile(byte[] json)
    {
        var bundle = BundleReader.Read(json, BundleReadOptions.ForTrial);
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems));
        return RuleSet.Compile(bundle.Value).Value!;
    }

    private static Decision Decide(RuleSet rules, string capability, string context) =>
        rules.Decide(new DecisionRequest(capability, JsonElement.Parse(context), Noon));
}
