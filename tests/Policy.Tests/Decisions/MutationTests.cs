using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>Bundles and inputs that were cut, garbled and mixed: nothing throws, and nothing is allowed by a failure.</summary>
public sealed class MutationTests
{
    private static readonly string[] Seeds =
    [
        Encoding.UTF8.GetString(SomeBundle.Native),
        Encoding.UTF8.GetString(SomeBundle.OfRules("""
            [{"id":"a","effect":"allow","match":{"capability":"x.*","any":[{"path":"context.a[*].b","in":[1,"x"]},{"not":{"path":"context.c","cidr":"10.0.0.0/8"}}],
              "time_window":{"start":"22:00","end":"06:00","zone":"Europe/Berlin","days":["mon"]}}},
             {"match":{"intent_prefix":"x","auth_scope":"s","persons":["p"],"policy_context.scopes":"a.*"},"decision":{"action":"deny"}},
             {"id":"c","effect":"require_confirmation","priority":3,"match":{"path":"context.d","regex":"^a+$","glob":"*a?","gte":1}}]
            """, ",\"default_effect\":\"deny\",\"sequence\":4", ",\"data\":{\"x\":[1]},\"signatures\":[{\"key_id\":\"k\",\"algorithm\":\"ES256\",\"sig\":\"AAAA\"}]")),
        """{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{"id":"x","effect":"allow","conditions":{"time_restrictions":{"start":"1:00","end":"2:00"},"data_classification":["a"]}}],"signature":{"hash":"00","signature_b64":"AAAA"}}""",
        """{"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"i","kind":"document"},"document":{"a":[1,2]},"schema":{"properties":{"a":{"items":{"$ref":"#/$defs/n"}}},"$defs":{"n":{"type":"number","minimum":0}}}}""",
        """[{"match":{"safety_context":{"data_classification":"a"},"target":{"device_class":"b"}},"decision":{"action":"allow","reason":"r"}}]""",
    ];

    private static readonly string[] Pieces =
        ["\"", "{", "}", "[", "]", ",", ":", "null", "true", "0", "-1", "1e999", "9007199254740993", "\\ud800", "\\u0000", "\"a\":", "[*]", "*", "{}", "[]", "\"\"", " ", "é", "😀"];

    [Fact]
    public void No_mutation_makes_reading_or_deciding_throw() => Prop.ForAll(Mutations(Seeds).ToArbitrary(), text =>
    {
        var bundle = BundleReader.Read(Encoding.UTF8.GetBytes(text), BundleReadOptions.ForTrial);
        if (!bundle.Succeeded)
        {
            return bundle.Problems.All(p => p.Code.StartsWith("bundle.", StringComparison.Ordinal) && p.Path.StartsWith('$') && p.Message.Length > 0);
        }

        var rules = RuleSet.Compile(bundle.Value).Value!;
        var decision = rules.Decide(new DecisionRequest("x.y", JsonElement.Parse("""{"a":[{"b":1}],"c":"::1","d":"aa"}"""), DateTimeOffset.UnixEpoch));
        return !(decision.IsError && decision.Allowed);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(10_000).WithReplay(20_261_120, 3));

    [Fact]
    public void No_context_makes_deciding_throw_and_no_error_allows()
    {
        var rules = RuleSet.Compile(GatewayPolicyTests.Bundle("policy.json"), DefaultEffect.Allow).Value!;
        var cases = JsonElement.Parse(Repository.Read("examples/gateway-policy/decisions.json")).GetProperty("decisions").EnumerateArray()
            .Select(d => (Capability: d.GetProperty("capability_id").GetString()!, Context: d.GetProperty("context").GetRawText())).ToArray();
        Prop.ForAll(Gen.Zip(Gen.Choose(0, cases.Length - 1), Mutations([.. cases.Select(c => c.Context)])).ToArbitrary(), given =>
        {
            JsonElement context;
            try
            {
                context = JsonElement.Parse(Encoding.UTF8.GetBytes(given.Item2));
            }
            catch (JsonException)
            {
                return true;
            }

            var request = new DecisionRequest(cases[given.Item1].Capability, context, DateTimeOffset.MaxValue);
            var decision = rules.Decide(request);
            return !(decision.IsError && decision.Allowed) && decision == rules.Explain(request).Decision;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(10_000).WithReplay(20_261_120, 5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Neither_end_of_time_makes_a_window_throw(bool atTheEnd)
    {
        var rules = RuleSet.Compile(BundleReader.Read(SomeBundle.OfRules("""
            [{"id":"a","effect":"deny","match":{"time_window":{"start":"0:00","end":"24:00","zone":"America/Los_Angeles"}}},
             {"id":"b","effect":"deny","match":{"time_window":{"start":"0:00","end":"24:00","zone":"Pacific/Kiritimati"}}}]
            """), BundleReadOptions.ForTrial).Value!).Value!;

        Assert.Equal("a", rules.Decide(new DecisionRequest("x", default, atTheEnd ? DateTimeOffset.MaxValue : DateTimeOffset.MinValue)).RuleId);
    }

    private static Gen<string> Mutations(string[] seeds)
    {
        var edit = Gen.Zip(Gen.Zip(Gen.Choose(0, 3), Gen.Choose(0, 1_000_000)), Gen.Zip(Gen.Choose(1, 12), Gen.Elements(Pieces)));
        return Gen.Zip(Gen.Elements(seeds), edit.ListOf()).Select(given => given.Item2.Take(4).Aggregate(given.Item1, (text, e) =>
        {
            var ((kind, place), (length, piece)) = e;
            var at = text.Length == 0 ? 0 : place % text.Length;
            var cut = Math.Min(length, text.Length - at);
            return kind switch
            {
                0 => text.Remove(at, cut),
                1 => text.Insert(at, piece),
                2 => text.Remove(at, cut).Insert(at, piece),
                _ => text.Insert(at, text.Substring(place % Math.Max(1, text.Length - cut), cut)),
            };
        }));
    }
}
