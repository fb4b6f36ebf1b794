using System.Globalization;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>unison's match keys: its own tests restated, and what its code does where they are silent.</summary>
public sealed class UnisonRuleTests
{
    private static readonly JsonElement Originals = JsonElement.Parse(Repository.Read("tests/Policy.Tests/Vectors/unison.json"));

    public static TheoryData<string> Cases() => [.. Originals.GetProperty("decide").EnumerateArray().Select(c => c.GetProperty("id").GetString()!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_originals_tests_come_out_as_stated(string id)
    {
        var given = Originals.GetProperty("decide").EnumerateArray().Single(c => c.GetProperty("id").GetString() == id);
        var rules = given.TryGetProperty("rules", out var own) ? own : Originals.GetProperty("rules");

        var decision = Decide(
            rules.GetRawText(),
            given.GetProperty("capability_id").GetString()!,
            given.GetProperty("context").GetRawText(),
            given.GetProperty("now").GetString()!);

        var expected = given.GetProperty("expected");
        Assert.Equal(expected.GetProperty("allowed").GetBoolean(), decision.Allowed);
        Assert.Equal(expected.GetProperty("require_confirmation").GetBoolean(), decision.RequireConfirmation);
        Assert.Equal(expected.GetProperty("reason").GetString(), decision.Reason);
        Assert.Equal(expected.GetProperty("suggested_alternative").GetString(), decision.SuggestedAlternative);
        Assert.Equal(expected.GetProperty("risk_level").GetString(), decision.RiskLevel);
    }

    [Fact]
    public void Lists_of_persons_come_out_as_in_the_originals_tests()
    {
        foreach (var given in Originals.GetProperty("persons").EnumerateArray())
        {
            // An empty list is passed over by the evaluation before the tested function would see it.
            var persons = given.GetProperty("persons");
            var isEmpty = persons.ValueKind == JsonValueKind.Null || persons.GetArrayLength() == 0;
            var matches = Matches($$"""{"persons":{{persons.GetRawText()}}}""", $$"""{"person_id":{{given.GetProperty("person_id").GetRawText()}}}""");
            Assert.Equal(isEmpty || given.GetProperty("expected").GetBoolean(), matches);
        }
    }

    [Theory]
    [InlineData("""{"intent_prefix":"orders."}""", "{}", true)]
    [InlineData("""{"intent_prefix":"order.s"}""", "{}", false)]
    [InlineData("""{"intent_prefix":["x.","orders."]}""", "{}", true)]
    [InlineData("""{"intent_prefix":null,"auth_scope":"","safety_context":null,"target":{},"policy_context.scopes":[],"action_envelope.risk_level":false,"time_window":{},"persons":[]}""", "{}", true)]
    [InlineData("""{"safety_context":0,"target":{"device_class":null},"time_window":null,"persons":null}""", "{}", true)]
    [InlineData("""{"auth_scope":"a"}""", """{"auth_scope":"a"}""", true)]
    [InlineData("""{"auth_scope":"a"}""", """{"auth_scope":"b"}""", false)]
    [InlineData("""{"auth_scope":["a","b"]}""", """{"auth_scope":"b"}""", true)]
    [InlineData("""{"auth_scope":"a"}""", """{"auth_scope":"","policy_context":{"scopes":"a"}}""", true)]
    [InlineData("""{"auth_scope":["a","b"]}""", """{"policy_context":{"scopes":["a","b"]}}""", true)]
    [InlineData("""{"auth_scope":["a","b"]}""", """{"policy_context":{"scopes":["a"]}}""", false)]
    [InlineData("""{"auth_scope":"a"}""", """{"policy_context":{"scopes":["a"]}}""", false)]
    [InlineData("""{"auth_scope":"None"}""", """{"policy_context":null}""", true)]
    [InlineData("""{"auth_scope":"True"}""", """{"auth_scope":true}""", true)]
    [InlineData("""{"auth_scope":"1.0"}""", """{"auth_scope":1.0}""", true)]
    [InlineData("""{"auth_scope":1}""", """{"auth_scope":"1"}""", true)]
    [InlineData("""{"auth_scope":[true,false,null]}""", """{"auth_scope":"False"}""", true)]
    [InlineData("""{"auth_scope":[true,null]}""", """{"auth_scope":true}""", true)]
    [InlineData("""{"auth_scope":[true,null]}""", """{}""", true)]
    [InlineData("""{"auth_scope":"inf"}""", """{"auth_scope":1e999}""", true)]
    [InlineData("""{"safety_context":{"data_classification":"public"}}""", """{"safety_context":{"data_classification":"public"}}""", true)]
    [InlineData("""{"safety_context":{"data_classification":["public","internal"]}}""", """{"safety_context":{"data_classification":"internal"}}""", true)]
    [InlineData("""{"safety_context":{"data_classification":["public"]}}""", """{"safety_context":{"data_classification":["public"]}}""", true)]
    [InlineData("""{"safety_context":{"data_classification":"public"}}""", """{"safety_context":false}""", false)]
    [InlineData("""{"safety_context":{"data_classification":"False"}}""", """{"safety_context":{"data_classification":false}}""", true)]
    [InlineData("""{"safety_context":{"data_classification":"None"}}""", """{"safety_context":{"data_classification":null}}""", true)]
    [InlineData("""{"target":{"device_class":"robot"}}""", """{"action_envelope":{"target":{"device_class":"robot"}}}""", true)]
    [InlineData("""{"target":{"device_class":["lamp","robot"]}}""", """{"action_envelope":{"target":{"device_class":"robot"}}}""", true)]
    [InlineData("""{"target":{"device_class":"None"}}""", """{"action_envelope":{"target":{}}}""", true)]
    [InlineData("""{"target":{"device_class":"None"}}""", """{"action_envelope":{"target":"robot"}}""", false)]
    [InlineData("""{"target":{"device_class":"robot"}}""", """{"action_envelope":"robot"}""", false)]
    [InlineData("""{"target":{"device_class":"robot"}}""", """{}""", false)]
    [InlineData("""{"policy_context.scopes":"actuation.home.*"}""", """{"policy_context":{"scopes":["x","actuation.home.lamp"]}}""", true)]
    [InlineData("""{"policy_context.scopes":"actuation.home.*"}""", """{"policy_context":{"scopes":["actuation.homestead.x"]}}""", true)]
    [InlineData("""{"policy_context.scopes":"actuation.home.*"}""", """{"policy_context":{"scopes":["actuation.home"]}}""", true)]
    [InlineData("""{"policy_context.scopes":"actuation.home.*"}""", """{"policy_context":{"scopes":["actuation.hom"]}}""", false)]
    [InlineData("""{"policy_context.scopes":"a"}""", """{"policy_context":{"scopes":"a"}}""", false)]
    [InlineData("""{"policy_context.scopes":"a"}""", """{"policy_context":{"scopes":[]}}""", false)]
    [InlineData("""{"policy_context.scopes":"4"}""", """{"policy_context":{"scopes":[42]}}""", true)]
    [InlineData("""{"policy_context.scopes":"a"}""", """{"policy_context":{"scopes":[["a"],{}]}}""", false)]
    [InlineData("""{"policy_context.scopes":["x","b.*"]}""", """{"policy_context":{"scopes":["b.c"]}}""", true)]
    [InlineData("""{"action_envelope.risk_level":"high"}""", """{"action_envelope":{"risk_level":"high"}}""", true)]
    [InlineData("""{"action_envelope.risk_level":["high","critical"]}""", """{"action_envelope":{"risk_level":"critical"}}""", true)]
    [InlineData("""{"action_envelope.risk_level":"high"}""", """{"action_envelope":{"risk_level":"low"}}""", false)]
    [InlineData("""{"action_envelope.risk_level":"high"}""", """{"action_envelope":7}""", false)]
    [InlineData("""{"persons":["alice"]}""", """{"person":{"id":"alice"}}""", true)]
    [InlineData("""{"persons":["alice"]}""", """{"person_id":"","person":{"id":"alice"}}""", true)]
    [InlineData("""{"persons":["alice"]}""", """{"person_id":"bob","person":{"id":"alice"}}""", false)]
    [InlineData("""{"persons":["alice",7]}""", """{"person_id":7}""", true)]
    [InlineData("""{"persons":["unknown"]}""", """{}""", true)]
    [InlineData("""{"persons":["unknown",["x"]]}""", """{"person":{}}""", true)]
    [InlineData("""{"persons":["alice"]}""", """{"person":null}""", false)]
    [InlineData("""{"persons":["alice"],"auth_scope":"a"}""", """{"person_id":"alice"}""", false)]
    public void A_match_key_holds_or_not(string match, string context, bool holds) => Assert.Equal(holds, Matches(match, context));

    [Theory]
    [InlineData("""{"auth_scope":"a"}""", """{"policy_context":"x"}""", "context.policy_context is no object")]
    [InlineData("""{"policy_context.scopes":"a"}""", """{"policy_context":["x"]}""", "context.policy_context is no object")]
    [InlineData("""{"safety_context":{"data_classification":"a"}}""", """{"safety_context":"a"}""", "context.safety_context is no object")]
    [InlineData("""{"persons":["a"]}""", """{"person":"a"}""", "context.person is no object")]
    public void What_unison_could_not_evaluate_is_denied_and_not_allowed(string match, string context, string fault)
    {
        var rules = Compile($$$"""[{"match":{{{match}}},"decision":{"action":"allow"}}]""");
        var decision = rules.Decide(new DecisionRequest("orders.read", JsonElement.Parse(context), DateTimeOffset.UnixEpoch));

        Assert.Equal(new Decision(false, false, "evaluation-error: " + fault, "#0", null, null) { IsError = true }, decision);
        Assert.Equal(1, rules.Errors);
    }

    [Theory]
    [InlineData("low")]
    [InlineData("medium")]
    [InlineData("high")]
    [InlineData("critical")]
    [InlineData("unusual")]
    public void The_risk_level_of_the_request_is_given_back(string level)
    {
        var context = $$$"""{"action_envelope":{"risk_level":"{{{level}}}"}}""";

        Assert.Equal(level, Decide("""[{"match":{},"decision":{"action":"allow"}}]""", "x", context).RiskLevel);
        Assert.Equal(level, Decide("""[{"match":{"intent_prefix":"y"},"decision":{"action":"allow"}}]""", "x", context).RiskLevel);
    }

    [Fact]
    public void A_risk_level_that_is_no_text_is_given_back_as_written()
    {
        const string rules = """[{"match":{},"decision":{"action":"allow"}}]""";

        Assert.Equal("3", Decide(rules, "x", """{"action_envelope":{"risk_level":3}}""").RiskLevel);
        Assert.Null(Decide(rules, "x", """{"action_envelope":{"risk_level":null}}""").RiskLevel);
    }

    [Theory]
    [InlineData("""{"start":"22:00","end":"06:00"}""", "2026-11-20T21:59:59Z", false)]
    [InlineData("""{"start":"22:00","end":"06:00"}""", "2026-11-20T22:00:00Z", true)]
    [InlineData("""{"start":"22:00","end":"06:00"}""", "2026-11-20T06:00:59Z", true)]
    [InlineData("""{"start":"22:00","end":"06:00"}""", "2026-11-20T06:01:00Z", false)]
    [InlineData("""{"start":"9:5","end":"24:00"}""", "2026-11-20T09:05:00Z", true)]
    [InlineData("""{"start":"9:5","end":"24:00"}""", "2026-11-20T23:59:59Z", true)]
    [InlineData("""{"start":"9:5","end":"24:00"}""", "2026-11-20T00:00:00Z", false)]
    [InlineData("""{"start":"09:00","end":"17:00"}""", "2026-11-20T18:30:00+02:00", true)]
    [InlineData("""{"start":"09:00","end":"17:00","zone":"UTC"}""", "2026-11-20T09:00:00Z", true)]
    [InlineData("""{"start":"09:00","end":"17:00","zone":"Europe/Berlin"}""", "2026-11-20T08:00:00Z", true)]
    [InlineData("""{"start":"09:00","end":"17:00","zone":"Europe/Berlin"}""", "2026-07-20T07:00:00Z", true)]
    [InlineData("""{"start":"09:00","end":"17:00","zone":"Europe/Berlin"}""", "2026-07-20T06:59:00Z", false)]
    [InlineData("""{"start":"00:00","end":"23:59","days":["fri"]}""", "2026-11-20T12:00:00Z", true)]
    [InlineData("""{"start":"00:00","end":"23:59","days":"sat"}""", "2026-11-20T12:00:00Z", false)]
    [InlineData("""{"start":"22:00","end":"06:00","days":["fri"]}""", "2026-11-21T05:00:00Z", true)]
    [InlineData("""{"start":"22:00","end":"06:00","days":["fri"]}""", "2026-11-20T05:00:00Z", false)]
    [InlineData("""{"start":"22:00","end":"06:00","days":["fri"]}""", "2026-11-21T22:00:00Z", false)]
    [InlineData("""{"start":"00:00","end":"23:59","zone":"Pacific/Auckland","days":["sat"]}""", "2026-11-20T12:00:00Z", true)]
    public void A_time_window_includes_both_ends_to_the_minute(string window, string now, bool holds) =>
        Assert.Equal(holds, Matches($$"""{"time_window":{{window}}}""", "{}", now));

    private static bool Matches(string match, string context, string now = "2026-11-20T12:00:00Z")
    {
        var decision = Decide($$$"""[{"match":{{{match}}},"decision":{"action":"deny","reason":"matched"}}]""", "orders.read", context, now);
        Assert.False(decision.IsError, decision.Reason);
        return decision.Reason == "matched";
    }

    private static Decision Decide(string rules, string capability, string context, string now = "2026-11-20T12:00:00Z")
    {
        var request = new DecisionRequest(capability, JsonElement.Parse(context), DateTimeOffset.Parse(now, CultureInfo.InvariantCulture));
        var compiled = Compile(rules);
        Assert.Equal(compiled.Decide(request), compiled.Explain(request).Decision);
        return compiled.Decide(request);
    }

    private static RuleSet Compile(string rules)
    {
        var bundle = BundleReader.Read(Encoding.UTF8.GetBytes(rules), BundleReadOptions.ForTrial);
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems));
        return RuleSet.Compile(bundle.Value).Value!;
    }
}
