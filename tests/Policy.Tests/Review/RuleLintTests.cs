using OrleansPolicy.Bundles;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Policy.Tests.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Review;

public sealed class RuleLintTests
{
    [Theory]
    [InlineData("""{"capability":"orders.*"}""", """{"capability":"orders.refund","path":"context.a","gt":1}""")]
    [InlineData("""{"capability":["x","orders.*"]}""", """{"capability":["orders.a","orders.b.*"]}""")]
    [InlineData("""{}""", """{"capability":"x"}""")]
    [InlineData("""{"path":"context.a","gt":100}""", """{"path":"context[\"a\"]","gte":101}""")]
    [InlineData("""{"path":"context.a","gte":1,"lte":9}""", """{"path":"context.a","gt":2,"lt":9}""")]
    [InlineData("""{"path":"context.a","gte":1,"lte":9}""", """{"path":"context.a","eq":[3,4]}""")]
    [InlineData("""{"path":"context.a","ne":1}""", """{"path":"context.a","exists":false}""")]
    [InlineData("""{"path":"context.a","not_in":[1,2]}""", """{"path":"context.a","eq":3}""")]
    [InlineData("""{"path":"context.a","exists":true}""", """{"path":"context.a","contains":"x"}""")]
    [InlineData("""{"path":"context.a","contains":["x","y"]}""", """{"path":"context.a","contains":"x"}""")]
    [InlineData("""{"path":"context.a","contains":"b"}""", """{"path":"context.a","prefix":"abc"}""")]
    [InlineData("""{"path":"context.a","prefix":"ab"}""", """{"path":"context.a","glob":["abc*d","ab"]}""")]
    [InlineData("""{"path":"context.a","suffix":"yz"}""", """{"path":"context.a","glob":"*xyz"}""")]
    [InlineData("""{"path":"context.a","glob":"*b*"}""", """{"path":"context.a","prefix":"abc"}""")]
    [InlineData("""{"path":"context.a","regex":"^a+$"}""", """{"path":"context.a","regex":"^a+$","prefix":"a"}""")]
    [InlineData("""{"path":"context.a","cidr":["10.0.0.0/9","10.128.0.0/9"]}""", """{"path":"context.a","cidr":"10.0.0.0/8"}""")]
    [InlineData("""{"path":"context.a","cidr":"fd00::/8"}""", """{"path":"context.a","cidr":["fd00::1","fd01::/16"]}""")]
    [InlineData("""{"path":"context.a[*].b","eq":1}""", """{"all":[{"path":"context.a[*].b","eq":1},{"path":"context.c","exists":true}]}""")]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"all":[{"path":"context.c","eq":1},{"path":"context.a","eq":{"path":"context.b"}}]}""")]
    [InlineData("""{"path":"capability_id","prefix":"a"}""", """{"capability":"ab"}""")]
    [InlineData("""{"path":"capability_id","glob":"*.read"}""", """{"path":"capability_id","eq":"orders.read"}""")]
    [InlineData("""{"not":{"path":"context.a","eq":1}}""", """{"path":"context.a","eq":2}""")]
    [InlineData("""{"any":[{"path":"context.a","eq":1},{"path":"context.b","eq":1}]}""", """{"path":"context.b","eq":1}""")]
    [InlineData("""{"path":"context.a","eq":true}""", """{"path":"context.a","ne":[false,null],"eq":true}""")]
    [InlineData("""{"path":"context.a","eq":[1,2]}""", """{"path":"context.a","in":[1,2]}""")]
    [InlineData("""{"auth_scope":["a","b"]}""", """{"auth_scope":"a"}""")]
    [InlineData("""{"safety_context":{"data_classification":["a","b"]}}""", """{"safety_context":{"data_classification":"b"}}""")]
    [InlineData("""{"policy_context.scopes":["a.*","b"]}""", """{"policy_context.scopes":"a.*"}""")]
    [InlineData("""{"target":{"device_class":"a"}}""", """{"target":{"device_class":"a"},"action_envelope.risk_level":"high"}""")]
    [InlineData("""{"action_envelope.risk_level":["low","high"]}""", """{"action_envelope.risk_level":"high"}""")]
    [InlineData("""{"persons":["a"]}""", """{"capability":"x","persons":["a"]}""")]
    [InlineData("""{"time_window":{"start":"22:00","end":"6:00"}}""", """{"time_window":{"start":"23:00","end":"1:00","days":["fri"]}}""")]
    [InlineData("""{"time_window":{"start":"0:00","end":"24:00","zone":"Europe/Berlin"}}""", """{"capability":"x"}""")]
    public void A_rule_behind_one_that_always_decides_is_shadowed(string earlier, string later)
    {
        var report = Lint($$"""[{"id":"a","effect":"allow","match":{{earlier}}},{"id":"b","effect":"deny","match":{{later}}},{"id":"end","effect":"allow"}]""");

        var finding = Assert.Single(report.Findings, f => f.RuleId == "b");
        Assert.Equal(("lint.shadowed", "b", "$.policies[1]"), (finding.Code, finding.RuleId, finding.Path));
        Assert.Equal(["a"], finding.By);
    }

    [Theory]
    [InlineData("""{"capability":"orders.x"}""", """{"capability":"orders.*"}""")]
    [InlineData("""{"path":"context.a","gt":100}""", """{"path":"context.a","gte":100}""")]
    [InlineData("""{"path":"context.a","gt":100}""", """{"path":"context.b","gt":100}""")]
    [InlineData("""{"path":"context[\"a.b\"]","gt":100}""", """{"path":"context.a.b","gt":100}""")]
    [InlineData("""{"path":"context.a","in":["x"]}""", """{"path":"context.a","in":["x","y"]}""")]
    [InlineData("""{"any":[{"path":"context.a","eq":1},{"path":"context.a","eq":2}]}""", """{"path":"context.a","in":[1,2]}""")]
    [InlineData("""{"path":"context.a","prefix":"abc"}""", """{"path":"context.a","prefix":"ab"}""")]
    [InlineData("""{"path":"context.a","contains":"x"}""", """{"path":"context.a","contains":["x","y"]}""")]
    [InlineData("""{"path":"context.a","glob":"a?c"}""", """{"path":"context.a","glob":"a*c"}""")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/9"}""", """{"path":"context.a","cidr":"10.0.0.0/8"}""")]
    [InlineData("""{"path":"context.a","cidr":"0.0.0.0/0"}""", """{"path":"context.a","cidr":["10.0.0.0/8","::1"]}""")]
    [InlineData("""{"path":"context.a","gt":9007199254740996}""", """{"path":"context.a","eq":9007199254740998}""")]
    [InlineData("""{"path":"context.a","eq":[9007199254740996]}""", """{"path":"context.a","eq":9007199254740996,"in":[9007199254740996]}""")]
    [InlineData("""{"path":"context.a[*].b","eq":1}""", """{"path":"context.a[*].b","in":[1]}""")]
    [InlineData("""{"auth_scope":["a","b"]}""", """{"auth_scope":["a"]}""")]
    [InlineData("""{"persons":["a","b"]}""", """{"persons":["a"]}""")]
    [InlineData("""{"auth_scope":"a"}""", """{"auth_scope":"b"}""")]
    [InlineData("""{"time_window":{"start":"8:00","end":"9:00"}}""", """{"time_window":{"start":"8:00","end":"9:01"}}""")]
    [InlineData("""{"time_window":{"start":"8:00","end":"9:00"}}""", """{"time_window":{"start":"8:00","end":"9:00","zone":"Europe/Berlin"}}""")]
    [InlineData("""{"all":[{"path":"context.a","eq":1},{"capability":"x"}]}""", """{"capability":"y","path":"context.a","eq":1}""")]
    public void What_is_not_proven_is_not_claimed(string earlier, string later) => Assert.Empty(
        Lint($$"""[{"id":"a","effect":"allow","match":{{earlier}}},{"id":"b","effect":"deny","match":{{later}}},{"id":"end","effect":"allow"}]""").Findings);

    [Theory]
    [InlineData("""{"all":[{"path":"context.a","eq":1},{"path":"context.a","eq":2}]}""", false)]
    [InlineData("""{"path":"context.a","eq":1,"ne":1}""", false)]
    [InlineData("""{"path":"context.a","eq":"x","exists":false}""", false)]
    [InlineData("""{"path":"context.a","eq":[true,null],"ne":[true,null]}""", false)]
    [InlineData("""{"path":"context.a","gt":5,"lt":5}""", true)]
    [InlineData("""{"path":"context.a","gte":5,"lt":5}""", true)]
    [InlineData("""{"path":"context.a","gte":5,"lte":5,"ne":5}""", true)]
    [InlineData("""{"path":"context.a","gt":5,"prefix":"x"}""", true)]
    [InlineData("""{"path":"context.a","prefix":"x","regex":"y","suffix":"z","contains":1,"glob":"y*"}""", true)]
    [InlineData("""{"path":"context.a","prefix":"x","not":{"path":"context.a","prefix":["x"]}}""", true)]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8","not":{"path":"context.a","cidr":["0.0.0.0/1"]}}""", true)]
    [InlineData("""{"path":"context.a","contains":["x",1],"not":{"path":"context.a","contains":[1.0,"x"]}}""", true)]
    [InlineData("""{"capability":"a.*","path":"capability_id","prefix":"b"}""", false)]
    [InlineData("""{"capability":"a","path":"capability_id","suffix":"b"}""", false)]
    [InlineData("""{"capability":"a*","path":"capability_id","eq":"b"}""", false)]
    [InlineData("""{"capability":"a","path":"capability_id","exists":false}""", false)]
    [InlineData("""{"capability":"a","path":"capability_id","gt":1}""", true)]
    [InlineData("""{"time_window":{"start":"8:00","end":"9:00"},"not":{"time_window":{"start":"7:00","end":"10:00"}}}""", false)]
    [InlineData("""{"time_window":{"start":"24:00","end":"24:00"}}""", false)]
    [InlineData("""{"auth_scope":"a","not":{"auth_scope":["a","b"]}}""", true)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"},"not":{"path":"context.a","eq":{"path":"context.b"}}}""", false)]
    public void Conditions_that_cannot_hold_together_are_a_contradiction(string match, bool canStillFail)
    {
        var finding = Assert.Single(Lint($$"""[{"id":"b","effect":"deny","match":{{match}}},{"id":"end","effect":"allow"}]""").Findings);

        Assert.Equal(("lint.contradiction", canStillFail), (finding.Code, finding.CanStillFail));
    }

    [Fact]
    public void Several_rules_together_may_shadow_one_and_one_that_does_it_alone_goes_before()
    {
        var report = Lint("""
            [{"id":"a","effect":"allow","match":{"capability":"a"}},{"id":"b","effect":"allow","match":{"capability":"b"}},
             {"id":"c","effect":"deny","match":{"capability":["a","b"]}},
             {"id":"d","effect":"deny","match":{"any":[{"path":"context.x","eq":1},{"path":"context.y","eq":1}]}},
             {"id":"e","effect":"deny","match":{"path":"context.x","eq":1}},
             {"id":"f","effect":"allow"}]
            """);

        Assert.Equal(["a", "b"], Assert.Single(report.Findings, f => f.RuleId == "c").By);
        Assert.Equal(["d"], Assert.Single(report.Findings, f => f.RuleId == "e").By);
    }

    [Fact]
    public void A_member_of_a_list_may_be_shadowed_by_another_rule_than_the_next()
    {
        var report = Lint("""
            [{"id":"a","effect":"allow","match":{"path":"context.m","eq":["GET"]}},{"id":"b","effect":"allow","match":{"path":"context.m","eq":"POST"}},
             {"id":"l","effect":"allow","match":{"path":"context.m","exists":true,"ne":["GET","POST","PUT"]}},
             {"id":"c","effect":"deny","match":{"path":"context.m","in":["GET","POST"]}},
             {"id":"n","effect":"deny","match":{"path":"context.m","exists":true,"not_in":[1,2],"in":["POST"]}},
             {"id":"f","effect":"allow"}]
            """);

        // A list ["GET","POST"] is matched by c too: without l it would not be shadowed.
        Assert.Equal(["c", "n"], report.Findings.Select(f => f.RuleId));
        Assert.Equal(["a", "b", "l"], report.Findings[0].By);
    }

    [Fact]
    public void A_rule_that_stands_behind_and_has_a_higher_priority_shadows_too()
    {
        var finding = Assert.Single(Lint("""
            [{"id":"a","effect":"allow","match":{"capability":"x"}},{"id":"b","priority":1,"effect":"deny","match":{"capability":"x*"}},{"id":"end","effect":"allow"}]
            """).Findings);

        Assert.Equal(("lint.shadowed_by_priority", "a", false), (finding.Code, finding.RuleId, finding.CanStillFail));
    }

    [Fact]
    public void A_shadowed_rule_that_may_fail_says_so()
    {
        var finding = Assert.Single(Lint("""
            [{"id":"a","effect":"allow","match":{"path":"context.mfa","eq":true}},
             {"id":"b","effect":"deny","match":{"all":[{"path":"context.n","gt":1},{"path":"context.mfa","eq":true}]}},{"id":"end","effect":"allow"}]
            """).Findings);

        Assert.True(finding.CanStillFail);
        Assert.Contains("may still deny with an evaluation error", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_off_expired_or_the_default_anyway_is_told()
    {
        var bundle = BundleReader.Read(
            SomeBundle.OfRules(
                """[{"id":"off","enabled":false,"effect":"deny"},{"id":"x","effect":"allow","match":{"capability":"x"}},{"id":"end","effect":"deny","match":{"path":"context.a","gt":1}}]""",
                ",\"expires_at\":\"2026-02-01T00:00:00Z\""),
            BundleReadOptions.ForTrial).Value!;

        Assert.Equal(
            ["lint.expired $.metadata.expires_at", "lint.disabled $.policies[0]", "lint.same_as_default $.policies[2]"],
            RuleLint.Examine(bundle, new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero)).Findings.Select(f => $"{f.Code} {f.Path}"));
        Assert.Equal(2, RuleLint.Examine(bundle, DateTimeOffset.UnixEpoch).Findings.Length);
    }

    [Fact]
    public void With_a_default_of_allow_only_what_cannot_fail_is_the_same()
    {
        var rules = """[{"id":"a","effect":"allow","match":{"path":"context.a","gt":1}},{"id":"b","effect":"allow","match":{"path":"context.a","eq":1}}]""";
        var bundle = BundleReader.Read(SomeBundle.OfRules(rules, ",\"default_effect\":\"allow\""), BundleReadOptions.ForTrial).Value!;

        Assert.Equal("b", Assert.Single(RuleLint.Examine(bundle, default).Findings).RuleId);
    }

    [Fact]
    public void What_has_too_many_alternatives_is_counted_and_nothing_is_claimed()
    {
        var any = string.Join(',', Enumerable.Range(0, 30).Select(i => $$"""{"path":"context.a{{i}}","eq":1}"""));
        var report = Lint($$$"""[{"id":"a","effect":"allow","match":{"all":[{"any":[{{{any}}}]},{"any":[{{{any}}}]}]}},{"id":"end","effect":"allow"}]""");

        Assert.Equal((2, 1), (report.Rules, report.Unexamined));
        Assert.Empty(report.Findings);
    }

    [Theory]
    [InlineData("policy.json", "lint.disabled")]
    [InlineData("policy.v2.json", "")]
    public void The_examples_have_no_rule_that_cannot_match(string file, string expected)
    {
        var report = RuleLint.Examine(GatewayPolicyTests.Bundle(file), DateTimeOffset.UnixEpoch);

        Assert.Equal(expected, string.Join(',', report.Findings.Select(f => f.Code)));
        Assert.Equal(0, report.Unexamined);
    }

    [Fact]
    public void A_bare_list_is_named_by_its_own_paths() => Assert.Equal(
        "$[1]",
        Assert.Single(RuleLint.Examine(
            BundleReader.Read("""[{"id":"a","effect":"allow","match":{}},{"id":"b","effect":"deny","match":{}}]"""u8.ToArray(), BundleReadOptions.ForTrial).Value!, default)
            .Findings, f => f.Code == "lint.shadowed").Path);

    private static LintReport Lint(string rules) =>
        RuleLint.Examine(BundleReader.Read(SomeBundle.OfRules(rules), BundleReadOptions.ForTrial).Value!, DateTimeOffset.UnixEpoch);
}
