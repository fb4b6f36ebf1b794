using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Review;

/// <summary>Random rules over few values, so that they meet, and every request that these values make.</summary>
public sealed class RuleLintPropertyTests
{
    private static readonly string[] Leaves =
    [
        """{"capability":"a"}""", """{"capability":"a*"}""", """{"capability":["ab","b*"]}""", """{"path":"capability_id","suffix":"b"}""", """{"path":"capability_id","gt":1}""",
        """{"path":"context.x","eq":1}""", """{"path":"context.x","in":[1,"ab"]}""", """{"path":"context.x","not_in":[1,null]}""", """{"path":"context.x","ne":[true,"ab"]}""",
        """{"path":"context.x","gt":0}""", """{"path":"context.x","lte":1}""", """{"path":"context.x","gte":1,"lt":2}""", """{"path":"context[\"x\"]","exists":false}""", """{"path":"context.x","exists":true}""",
        """{"path":"context.x","prefix":"a"}""", """{"path":"context.x","prefix":["ab","b"]}""", """{"path":"context.x","suffix":"b"}""", """{"path":"context.x","glob":"a*"}""",
        """{"path":"context.x","glob":"a?"}""", """{"path":"context.x","regex":"^a"}""", """{"path":"context.x","contains":"a"}""", """{"path":"context.x","contains":[1,"b"]}""",
        """{"path":"context.y","cidr":"10.0.0.0/8"}""", """{"path":"context.y","cidr":["10.1.0.0/16","::1"]}""", """{"path":"context.y","eq":"10.1.0.1"}""", """{"path":"context.y","prefix":"10.1"}""",
        """{"path":"context.x","eq":{"path":"context.y"}}""", """{"path":"context.z[*].w","eq":1}""", """{"path":"context.z[*].w","gt":0}""",
        """{"time_window":{"start":"8:00","end":"12:00"}}""", """{"time_window":{"start":"9:00","end":"10:00","days":["mon"]}}""", """{"time_window":{"start":"22:00","end":"9:00"}}""",
        """{"auth_scope":"a"}""", """{"auth_scope":["a","b"]}""", """{"policy_context.scopes":"a*"}""",
    ];

    private static readonly string[] Capabilities = ["a", "ab", "b", "c"];
    private static readonly string?[] Xs = [null, "null", "true", "0", "1", "1.5", "2", "\"a\"", "\"ab\"", "\"b\"", "[1,\"ab\"]", "[\"a\"]", "{}"];
    private static readonly string?[] Ys = [null, "1", "\"10.1.0.1\"", "\"10.2.0.1\"", "\"::1\"", "\"ab\""];
    private static readonly string[] Others = ["", ",\"z\":[{\"w\":1},{\"w\":\"q\"}]", ",\"z\":[{\"w\":\"q\"}],\"auth_scope\":\"a\"", ",\"policy_context\":{\"scopes\":[\"ax\"]}", ",\"policy_context\":7"];
    private static readonly int[] Hours = [6, 9, 11, 15];

    private static readonly DecisionRequest[] Requests =
    [
        .. from capability in Capabilities
           from x in Xs
           from y in Ys
           from other in Others
           from hour in Hours
           select new DecisionRequest(
               capability,
               JsonElement.Parse($$"""{"id":0{{(x is null ? "" : ",\"x\":" + x)}}{{(y is null ? "" : ",\"y\":" + y)}}{{other}}}"""),
               new DateTimeOffset(2026, 1, 5, hour, 30, 0, TimeSpan.Zero)),
    ];

    [Fact]
    public void No_request_is_decided_by_a_rule_that_was_said_never_to_match()
    {
        var claims = 0;
        Prop.ForAll(Bundles().ToArbitrary(), list =>
        {
            var bundle = BundleReader.Read(SomeBundle.OfRules(list), BundleReadOptions.ForTrial).Value!;
            var never = RuleLint.Examine(bundle, default).Findings.Where(f => f.Severity == LintSeverity.Warning).ToDictionary(f => f.RuleId!);
            claims += never.Count;
            var rules = RuleSet.Compile(bundle).Value!;
            return never.Count == 0 || Requests.All(request =>
                rules.Decide(request) is var decision
                && (decision.RuleId is null || !never.TryGetValue(decision.RuleId, out var claim) || (decision.IsError && claim.CanStillFail)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_500).WithReplay(20_261_121, 7));

        Assert.InRange(claims, 500, int.MaxValue);
    }

    private static Gen<string> Bundles()
    {
        var leaf = Gen.Elements(Leaves);
        var condition = Gen.Frequency(
            (5, leaf),
            (2, Gen.Zip(leaf, leaf).Select(p => $$"""{"all":[{{p.Item1}},{{p.Item2}}]}""")),
            (2, Gen.Zip(leaf, leaf).Select(p => $$"""{"any":[{{p.Item1}},{{p.Item2}}]}""")),
            (2, leaf.Select(l => "{\"not\":" + l + "}")),
            (1, Gen.Zip(Gen.Zip(leaf, leaf), Gen.Zip(leaf, leaf)).Select(p =>
                $$$"""{"any":[{"all":[{{{p.Item1.Item1}}},{"not":{{{p.Item1.Item2}}} }]},{"not":{"any":[{{{p.Item2.Item1}}},{{{p.Item2.Item2}}}]}}]}""")));
        var rule = Gen.Zip(Gen.Elements("allow", "deny", "require_confirmation"), Gen.Zip(condition, Gen.Choose(0, 1)));
        return rule.ListOf(5).Select(rules => "[" + string.Join(',', rules.Select((r, i) =>
            $$"""{"id":"r{{i}}","effect":"{{r.Item1}}","priority":{{r.Item2.Item2}},"match":{{r.Item2.Item1}}}""")) + "]");
    }
}
