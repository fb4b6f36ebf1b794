using System.Collections.Immutable;
using System.Text.RegularExpressions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Policy.Tests.Decisions;
using OrleansPolicy.Review;
using OrleansPolicy.Review.Inputs;

namespace OrleansPolicy.Policy.Tests.Review;

public sealed class InputGeneratorTests
{
    [Theory]
    [InlineData("policy.json")]
    [InlineData("policy.v2.json")]
    public void Every_rule_of_the_example_decides_one_of_the_requests(string file)
    {
        var bundle = GatewayPolicyTests.Bundle(file);
        var rules = RuleSet.Compile(bundle).Value!;

        var requests = InputGenerator.Generate(GatewayPolicyTests.Bundle("policy.json"), GatewayPolicyTests.Bundle("policy.v2.json"), 5_000, 1);

        var decisions = requests.Select(r => rules.Decide(r.ToDecisionRequest())).Where(d => !d.IsError).ToArray();
        Assert.Equal("", string.Join(',', RuleCoverage.Of(bundle, decisions).Rules.Where(r => r.Count == 0).Select(r => r.RuleId)));
    }

    [Fact]
    public void The_same_seed_makes_the_same_requests_and_another_makes_others()
    {
        var (a, b) = (GatewayPolicyTests.Bundle("policy.json"), GatewayPolicyTests.Bundle("policy.v2.json"));

        Assert.Equal(Texts(InputGenerator.Generate(a, b, 3_000, 5)), Texts(InputGenerator.Generate(a, b, 3_000, 5)));
        Assert.NotEqual(Texts(InputGenerator.Generate(a, b, 30_000, 5)), Texts(InputGenerator.Generate(a, b, 30_000, 6)));
        Assert.Equal(10, InputGenerator.Generate(a, b, 10, 5).Length);
        Assert.Empty(InputGenerator.Generate(a, b, 0, 5));
    }

    [Theory]
    [InlineData("""{"path":"context.a","gt":1.25}""", "1.26,1.25,1.24,absent")]
    [InlineData("""{"path":"context.a","gte":5}""", "5,6,4,absent")]
    [InlineData("""{"path":"context.a","lt":5}""", "4,5,6,absent")]
    [InlineData("""{"path":"context.a","lte":-5}""", "-5,-6,-4,absent")]
    [InlineData("""{"path":"context.a","lte":1e300}""", "1e300,0")]
    [InlineData("""{"path":"context.a","in":["x",1,true,null]}""", "\"x\",1,true,null,\"xx\",2,false,absent")]
    [InlineData("""{"path":"context.a","ne":false}""", "true,absent,false")]
    [InlineData("""{"path":"context.a","exists":true}""", "\"something\",absent")]
    [InlineData("""{"path":"context.a","exists":false}""", "\"something\",absent")]
    [InlineData("""{"path":"context.a","contains":"x"}""", "[\"x\"],[],absent")]
    [InlineData("""{"path":"context.a","prefix":"ab"}""", "\"abx\",\"ab\",\"a\",7")]
    [InlineData("""{"path":"context.a","suffix":"ab"}""", "\"xab\",\"ab\",\"b\"")]
    [InlineData("""{"path":"context.a","glob":"a*b?"}""", "\"abx\",\"axbx\"")]
    [InlineData("""{"path":"context.a","regex":"^v[0-9]+$"}""", "\"v0\"")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", "\"10.0.0.1\",\"10.0.0.0\",\"10.255.255.255\",\"11.0.0.0\",\"9.255.255.255\",\"no address\",absent")]
    [InlineData("""{"path":"context.a","cidr":["::/0","0.0.0.0/0"]}""", "\"::1\",\"0.0.0.1\"")]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", "\"same\",\"other\",absent")]
    [InlineData("""{"path":"context.a","ne":{"path":"context.b"}}""", "\"other\",absent")]
    public void The_values_at_and_next_to_each_boundary_are_tried(string match, string values)
    {
        var requests = Generate($$"""[{"id":"r","effect":"allow","match":{{match}} }]""");

        var tried = requests.Select(r => r.Context!.Value.TryGetProperty("a", out var a) ? a.GetRawText() : "absent").ToHashSet();
        Assert.Subset(tried, values.Split(',').ToHashSet());
    }

    [Fact]
    public void Capabilities_and_times_are_tried_at_their_edges()
    {
        var requests = Generate("""
            [{"id":"r","effect":"allow","match":{"capability":["a.*","b"],"time_window":{"start":"8:00","end":"9:00","zone":"Europe/Berlin","days":["mon","tue"]}}},
             {"id":"q","effect":"deny","match":{"path":"capability_id","prefix":"c"}}, {"id":"n","effect":"deny","match":{"time_window":{"start":"23:00","end":"1:00"}}}]
            """);

        Assert.Subset(requests.Select(r => r.CapabilityId).ToHashSet(), new HashSet<string> { "a.any", "a.", "a", "b", "bx", "cx", "c" });
        Assert.Subset(
            requests.Select(r => r.Now.ToString("MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture)).ToHashSet(),
            new HashSet<string> { "01-05 07:00", "01-05 06:59", "01-05 08:00", "01-05 08:01", "01-05 23:00", "01-05 22:59", "01-05 01:00", "01-05 01:01" });
    }

    [Theory]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"},"in":["x"]}""")]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b.c"},"exists":true,"not":{"path":"context.b","exists":false}}""")]
    [InlineData("""{"path":"capability_id","eq":{"path":"context.own"}}""")]
    [InlineData("""{"path":"context.a[*].b","in":["x"],"ne":"y"}""")]
    [InlineData("""{"path":"context.a[2][\"x y\"][*]","gt":5}""")]
    [InlineData("""{"all":[{"path":"context.a","exists":true},{"path":"context.a.b","eq":1},{"path":"context.a.c[*].d","contains":"z"}]}""")]
    [InlineData("""{"not":{"any":[{"path":"context.a","exists":false},{"path":"context.b","gt":0}]}}""")]
    [InlineData("""{"path":"context.v","regex":"^(?:v|w)\\d{2,3}\\.[^a-y]\\w?$"}""")]
    [InlineData("""{"auth_scope":"a","safety_context":{"data_classification":["x"]},"target":{"device_class":"d"},"policy_context.scopes":"s.*","action_envelope.risk_level":"high","persons":["p",7]}""")]
    [InlineData("""{"path":"context","exists":true,"time_window":{"start":"24:00","end":"0:01"}}""")]
    public void A_rule_is_reached_past_those_before_it(string match)
    {
        var list = $$$"""
            [{"id":"guard","priority":9,"effect":"deny","match":{"path":"context.status","in":["closed"]}},
             {"id":"must","priority":8,"effect":"deny","match":{"not":{"path":"context.tls","gte":1.2} }},
             {"id":"r","effect":"allow","match":{{{match}}} }]
            """;
        var rules = RuleSet.Compile(Bundle(list)).Value!;

        Assert.Contains(Generate(list), r => rules.Decide(r.ToDecisionRequest()) is { RuleId: "r", IsError: false });
    }

    [Fact]
    public void A_rule_that_another_always_goes_before_has_its_requests_all_the_same()
    {
        var requests = Generate("""[{"id":"all","effect":"allow"},{"id":"r","effect":"deny","match":{"path":"context.a","eq":7}},{"id":"no","effect":"deny","match":{"path":"context.a[2000]","eq":7}}]""");

        Assert.Contains(requests, r => r.Context!.Value.TryGetProperty("a", out var a) && a.GetRawText() == "7");
    }

    [Fact]
    public void Where_a_rule_changes_the_rules_behind_it_are_tried_with_it()
    {
        var before = Bundle("""[{"id":"b","effect":"allow","match":{"path":"context.role","eq":"clerk"}},{"id":"c","effect":"require_confirmation","match":{"path":"context.role","eq":"boss"}}]""");
        var after = Bundle("""[{"id":"new","effect":"deny","match":{"path":"context.night","eq":true}},{"id":"b","effect":"allow","match":{"path":"context.role","eq":"clerk"}},{"id":"c","effect":"require_confirmation","match":{"path":"context.role","eq":"boss"}}]""");

        var diff = DecisionDiff.Compare(RuleSet.Compile(before).Value!, RuleSet.Compile(after).Value!, InputGenerator.Generate(before, after, 20, 1));

        Assert.Contains(diff.Changes, c => (c.FromRule, c.ToRule) == ("b", "new"));
        Assert.Contains(diff.Changes, c => (c.FromRule, c.ToRule) == ("c", "new"));
    }

    [Theory]
    [InlineData("^abc$")]
    [InlineData("^(a|b)+c{3}$")]
    [InlineData(@"^\d{4}-\d\d$")]
    [InlineData(@"^[A-Z][^x]*\.(?:png|jpg)$")]
    [InlineData(@"^[\w.-]+@[]a]x?.\b$")]
    [InlineData(@"(?<name>x){2,}y?")]
    [InlineData("a{b")]
    [InlineData(@"[\](((a{999}){999}){999}){999}]")]
    [InlineData("")]
    public void A_sample_matches_its_expression(string pattern) => Assert.Matches(new Regex(pattern, RegexOptions.NonBacktracking), RegexSample.Of(pattern));

    [Theory]
    [InlineData("^a*b$c")]
    [InlineData(@"\p{Lu}[")]
    [InlineData("(")]
    [InlineData("(?")]
    [InlineData("[")]
    [InlineData(@"\")]
    [InlineData(@"\c[x")]
    [InlineData(@"(?#:[)x")]
    [InlineData(@"\c\")]
    public void Where_no_sample_is_found_there_is_none(string pattern) => Assert.Null(RegexSample.Of(pattern));

    private static IEnumerable<string> Texts(IEnumerable<ReviewRequest> requests) =>
        requests.Select(r => $"{r.CapabilityId} {r.Context?.GetRawText()} {r.Now:O}");

    private static ImmutableArray<ReviewRequest> Generate(string rules) => InputGenerator.Generate(Bundle(rules), Bundle(rules), 2_000, 1);

    private static Bundle Bundle(string rules) => BundleReader.Read(SomeBundle.OfRules(rules), BundleReadOptions.ForTrial).Value!;
}
