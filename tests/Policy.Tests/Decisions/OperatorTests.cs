using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class OperatorTests
{
    private const string Data = ",\"data\":{\"list\":[\"a\",\"b\"],\"deep\":{\"n\":5},\"nets\":[\"10.0.0.0/8\"]}";

    // A condition, the context, and whether the condition holds. An error denies with a reason of its own.
    [Theory]
    [InlineData("""{"path":"context.a","eq":"x"}""", """{"a":"x"}""", true)]
    [InlineData("""{"path":"context.a","eq":"x"}""", """{"a":"\u0078"}""", true)]
    [InlineData("""{"path":"context.a","eq":"\u0078\n"}""", """{"a":"x\n"}""", true)]
    [InlineData("""{"path":"context.a","eq":"x"}""", """{"a":"y"}""", false)]
    [InlineData("""{"path":"context.a","eq":"1"}""", """{"a":1}""", false)]
    [InlineData("""{"path":"context.a","eq":1}""", """{"a":1.0}""", true)]
    [InlineData("""{"path":"context.a","eq":0.5}""", """{"a":0.5}""", true)]
    [InlineData("""{"path":"context.a","eq":9007199254740992}""", """{"a":9007199254740993}""", false)]
    [InlineData("""{"path":"context.a","eq":true}""", """{"a":true}""", true)]
    [InlineData("""{"path":"context.a","eq":true}""", """{"a":false}""", false)]
    [InlineData("""{"path":"context.a","eq":null}""", """{"a":null}""", true)]
    [InlineData("""{"path":"context.a","eq":null}""", """{}""", false)]
    [InlineData("""{"path":"context.a","eq":["x","y"]}""", """{"a":"y"}""", true)]
    [InlineData("""{"path":"context.a","eq":["x","y"]}""", """{"a":["x","y"]}""", true)]
    [InlineData("""{"path":"context.a","eq":["x","y"]}""", """{"a":["y","x"]}""", false)]
    [InlineData("""{"path":"context.a","eq":"x"}""", """{"a":["x"]}""", false)]
    [InlineData("""{"path":"context.a","eq":"x"}""", """{"a":{"x":1}}""", false)]
    [InlineData("""{"path":"context.a","ne":"x"}""", """{"a":"y"}""", true)]
    [InlineData("""{"path":"context.a","ne":"x"}""", """{"a":"x"}""", false)]
    [InlineData("""{"path":"context.a","ne":"x"}""", """{}""", true)]
    [InlineData("""{"path":"context.a","in":["x",2,null]}""", """{"a":2}""", true)]
    [InlineData("""{"path":"context.a","in":["x",2]}""", """{"a":3}""", false)]
    [InlineData("""{"path":"context.a","in":["x"]}""", """{}""", false)]
    [InlineData("""{"path":"context.a","not_in":["x"]}""", """{"a":"y"}""", true)]
    [InlineData("""{"path":"context.a","not_in":["x"]}""", """{}""", true)]
    [InlineData("""{"path":"context.a","not_in":["x"]}""", """{"a":"x"}""", false)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"a":"x","b":"x"}""", true)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"a":"x","b":"\u0078"}""", true)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"a":[1,{"c":2}],"b":[1.0,{"c":2}]}""", true)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"a":"x","b":"y"}""", false)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{"a":"1","b":1}""", false)]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b"}}""", """{}""", false)]
    [InlineData("""{"path":"context.a","ne":{"path":"context.b"}}""", """{}""", true)]
    [InlineData("""{"path":"capability_id","eq":{"path":"context.b"}}""", """{"b":"orders.read"}""", true)]
    [InlineData("""{"path":"capability_id","ne":{"path":"context.b"}}""", """{"b":1}""", true)]
    [InlineData("""{"path":"context.a","prefix":"ab"}""", """{"a":"abc"}""", true)]
    [InlineData("""{"path":"context.a","prefix":["x","ab"]}""", """{"a":"abc"}""", true)]
    [InlineData("""{"path":"context.a","prefix":"ab"}""", """{"a":"a"}""", false)]
    [InlineData("""{"path":"context.a","prefix":"ab"}""", """{}""", false)]
    [InlineData("""{"path":"context.a","suffix":"€"}""", """{"a":"5 \u20ac"}""", true)]
    [InlineData("""{"path":"context.a","suffix":"€"}""", """{"a":"5 $"}""", false)]
    [InlineData("""{"path":"context.a","contains":"b"}""", """{"a":"abc"}""", true)]
    [InlineData("""{"path":"context.a","contains":"d"}""", """{"a":"abc"}""", false)]
    [InlineData("""{"path":"context.a","contains":["z","b"]}""", """{"a":["a","b"]}""", true)]
    [InlineData("""{"path":"context.a","contains":"ab"}""", """{"a":["abc"]}""", false)]
    [InlineData("""{"path":"context.a","contains":2}""", """{"a":["2",2]}""", true)]
    [InlineData("""{"path":"context.a","contains":null}""", """{"a":[null]}""", true)]
    [InlineData("""{"path":"context.a","contains":2}""", """{"a":"2"}""", false)]
    [InlineData("""{"path":"context.a","contains":2}""", """{}""", false)]
    [InlineData("""{"path":"context.a","lt":5}""", """{"a":4.99}""", true)]
    [InlineData("""{"path":"context.a","lt":5}""", """{"a":5}""", false)]
    [InlineData("""{"path":"context.a","le":5}""", """{"a":5.0}""", true)]
    [InlineData("""{"path":"context.a","lte":5}""", """{"a":5.01}""", false)]
    [InlineData("""{"path":"context.a","gt":5}""", """{"a":1e999}""", true)]
    [InlineData("""{"path":"context.a","gt":5}""", """{"a":5}""", false)]
    [InlineData("""{"path":"context.a","ge":5}""", """{"a":5}""", true)]
    [InlineData("""{"path":"context.a","gte":5}""", """{"a":-5}""", false)]
    [InlineData("""{"path":"context.a","gte":9007199254740992}""", """{"a":9007199254740991}""", false)]
    [InlineData("""{"path":"context.a","gte":1,"lt":10}""", """{"a":10}""", false)]
    [InlineData("""{"path":"context.a","gt":5}""", """{}""", false)]
    [InlineData("""{"path":"context.a","exists":true}""", """{"a":null}""", true)]
    [InlineData("""{"path":"context.a","exists":true}""", """{}""", false)]
    [InlineData("""{"path":"context.a","exists":false}""", """{}""", true)]
    [InlineData("""{"path":"context.a.b","exists":false}""", """{"a":[1]}""", true)]
    [InlineData("""{"path":"capability_id","exists":true}""", """{}""", true)]
    [InlineData("""{"path":"capability_id","exists":false}""", """{}""", false)]
    [InlineData("""{"path":"context.a","glob":"*.exe"}""", """{"a":"x.y.exe"}""", true)]
    [InlineData("""{"path":"context.a","glob":"a?c"}""", """{"a":"a😀c"}""", true)]
    [InlineData("""{"path":"context.a","glob":"a?c"}""", """{"a":"aéc"}""", true)]
    [InlineData("""{"path":"context.a","glob":"a?c"}""", """{"a":"a€c"}""", true)]
    [InlineData("""{"path":"context.a","glob":"a?c"}""", """{"a":"ac"}""", false)]
    [InlineData("""{"path":"context.a","glob":"*a*b*"}""", """{"a":"xxaxxbxx"}""", true)]
    [InlineData("""{"path":"context.a","glob":"a*bc"}""", """{"a":"abcbd"}""", false)]
    [InlineData("""{"path":"context.a","glob":"a*bc"}""", """{"a":"abcbc"}""", true)]
    [InlineData("""{"path":"context.a","glob":"*"}""", """{"a":""}""", true)]
    [InlineData("""{"path":"context.a","glob":"a"}""", """{"a":"ab"}""", false)]
    [InlineData("""{"path":"context.a","glob":"[a].c"}""", """{"a":"[a].c"}""", true)]
    [InlineData("""{"path":"context.a","regex":"^SUP-[0-9]+$"}""", """{"a":"SUP-12"}""", true)]
    [InlineData("""{"path":"context.a","regex":"^SUP-[0-9]+$"}""", """{"a":"SUP-"}""", false)]
    [InlineData("""{"path":"context.a","regex":["^x","€"]}""", """{"a":"5 €"}""", true)]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10.255.0.1"}""", true)]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"11.0.0.1"}""", false)]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"::ffff:10.0.0.1"}""", true)]
    [InlineData("""{"path":"context.a","cidr":"0.0.0.0/0"}""", """{"a":"::1"}""", false)]
    [InlineData("""{"path":"context.a","cidr":"::/0"}""", """{"a":"::1"}""", true)]
    [InlineData("""{"path":"context.a","cidr":["192.0.2.7","2001:db8::/32"]}""", """{"a":"2001:db8:1::1"}""", true)]
    [InlineData("""{"path":"context.a","cidr":["192.0.2.7","2001:db8::1"]}""", """{"a":"192.0.2.7"}""", true)]
    [InlineData("""{"path":"context.a","cidr":["192.0.2.7","2001:db8::1"]}""", """{"a":"2001:db8::2"}""", false)]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{}""", false)]
    [InlineData("""{"path":"context.a","in":{"data":"list"}}""", """{"a":"b"}""", true)]
    [InlineData("""{"path":"context.a","lt":{"data":"deep.n"}}""", """{"a":4}""", true)]
    [InlineData("""{"path":"context.a","cidr":{"data":"nets"}}""", """{"a":"10.1.1.1"}""", true)]
    [InlineData("""{"path":"context","exists":true}""", """{}""", true)]
    [InlineData("""{"path":"context.a.b.c","eq":1}""", """{"a":{"b":{"c":1}}}""", true)]
    [InlineData("""{"path":"context[\"a.b\"][\"c d\"]","eq":1}""", """{"a.b":{"c d":1}}""", true)]
    [InlineData("""{"path":"context.a[1].b","eq":1}""", """{"a":[0,{"b":1}]}""", true)]
    [InlineData("""{"path":"context.a[2]","eq":1}""", """{"a":[0,1]}""", false)]
    [InlineData("""{"path":"context.a[0]","eq":1}""", """{"a":{"0":1}}""", false)]
    [InlineData("""{"path":"context.a[*].b","gt":5}""", """{"a":[{"b":1},{"b":9}]}""", true)]
    [InlineData("""{"path":"context.a[*].b","gt":5,"lt":8}""", """{"a":[{"b":1},{"b":9}]}""", false)]
    [InlineData("""{"path":"context.a[*]","eq":1}""", """{"a":[]}""", false)]
    [InlineData("""{"path":"context.a[*]","ne":1}""", """{"a":[1,2]}""", true)]
    [InlineData("""{"path":"context.a[*]","ne":1}""", """{"a":[1]}""", false)]
    [InlineData("""{"path":"context.a[*]","ne":1}""", """{"a":1}""", true)]
    [InlineData("""{"path":"context.a[*].b[*]","eq":3}""", """{"a":[{"b":[1]},{"b":[2,3]}]}""", true)]
    [InlineData("""{"path":"context.a[*].b[*]","eq":3}""", """{"a":[{"b":[1]},{"c":[3]}]}""", false)]
    [InlineData("""{"path":"context[*]","exists":false}""", """{}""", true)]
    [InlineData("""{"path":"capability_id","prefix":"orders.","suffix":".read"}""", "{}", true)]
    [InlineData("""{"path":"capability_id","in":["a","orders.read"]}""", "{}", true)]
    [InlineData("""{"path":"capability_id","eq":1}""", "{}", false)]
    [InlineData("""{"path":"capability_id","not_in":["orders.read"]}""", "{}", false)]
    [InlineData("""{"path":"capability_id","ne":"orders.write"}""", "{}", true)]
    [InlineData("""{"path":"capability_id","contains":"ders"}""", "{}", true)]
    [InlineData("""{"path":"capability_id","contains":"x"}""", "{}", false)]
    [InlineData("""{"path":"capability_id","glob":"*.read"}""", "{}", true)]
    [InlineData("""{"capability":"orders.read"}""", "{}", true)]
    [InlineData("""{"capability":"orders"}""", "{}", false)]
    [InlineData("""{"capability":["x","ord*"]}""", "{}", true)]
    [InlineData("""{"capability":"*"}""", "{}", true)]
    [InlineData("""{"all":[{"path":"context.a","eq":1},{"path":"context.b","eq":2}]}""", """{"a":1,"b":2}""", true)]
    [InlineData("""{"all":[{"path":"context.a","eq":1},{"path":"context.b","eq":2}]}""", """{"a":1,"b":3}""", false)]
    [InlineData("""{"any":[{"path":"context.a","eq":1},{"path":"context.b","eq":2}]}""", """{"b":2}""", true)]
    [InlineData("""{"any":[{"path":"context.a","eq":1},{"path":"context.b","eq":2}]}""", """{}""", false)]
    [InlineData("""{"any":[{"capability":"orders.*"},{"capability":"x"}]}""", """{}""", true)]
    [InlineData("""{"not":{"path":"context.a","eq":1}}""", """{"a":1}""", false)]
    [InlineData("""{"not":{"path":"context.a","eq":1,"any":[{"path":"context.b","eq":2}]}}""", """{"a":1}""", true)]
    [InlineData("""{"not":{"capability":"orders.*"}}""", "{}", false)]
    [InlineData("""{"any":[{"path":"context.a","eq":1},{"path":"context.b","gt":2}]}""", """{"a":1,"b":"x"}""", true)]
    [InlineData("""{"all":[{"path":"context.a","eq":1},{"path":"context.b","gt":2}]}""", """{"a":2,"b":"x"}""", false)]
    public void A_condition_holds_or_not(string condition, string context, bool holds)
    {
        var decision = Decide(condition, context);

        Assert.Equal(new Decision(holds, false, holds ? "because" : "default-deny", holds ? "r" : null, null, null), decision);
    }

    [Theory]
    [InlineData("""{"path":"context.a","gt":5}""", """{"a":"6"}""", "context.a is no number")]
    [InlineData("""{"path":"context.a","gt":5}""", """{"a":null}""", "context.a is no number")]
    [InlineData("""{"path":"capability_id","gt":5}""", "{}", "capability_id is no number")]
    [InlineData("""{"path":"context.a","prefix":"x"}""", """{"a":1}""", "context.a is no text")]
    [InlineData("""{"path":"context.a","regex":"x"}""", """{"a":["x"]}""", "context.a is no text")]
    [InlineData("""{"path":"context.a","contains":"x"}""", """{"a":{"x":1}}""", "context.a is neither a list nor a text")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10.0.0"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10.0.0.256"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"010.0.0.1"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"0xa.0.0.1"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10.0.0.1.5"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10..0.1"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":"10.0.0."}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":":::"}""", "context.a is no IP address")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/8"}""", """{"a":167772161}""", "context.a is no IP address")]
    [InlineData("""{"path":"capability_id","cidr":"10.0.0.0/8"}""", "{}", "capability_id is no IP address")]
    [InlineData("""{"path":"context.a[*]","gt":5}""", """{"a":[1,"x",9]}""", "context.a[*] is no number")]
    [InlineData("""{"not":{"path":"context.a","gt":5}}""", """{"a":"6"}""", "context.a is no number")]
    [InlineData("""{"any":[{"path":"context.a","gt":5},{"path":"context.b","eq":1}]}""", """{"a":"6","b":1}""", "context.a is no number")]
    [InlineData("""{"all":[{"path":"context.a","gt":5},{"path":"context.b","eq":1}]}""", """{"a":"6","b":2}""", "context.a is no number")]
    public void What_cannot_be_evaluated_denies_with_the_reason(string condition, string context, string fault)
    {
        var decision = Decide(condition, context);

        Assert.Equal(new Decision(false, false, "evaluation-error: " + fault, "r", null, null) { IsError = true }, decision);
    }

    [Fact]
    public void Long_texts_are_matched_like_short_ones()
    {
        var text = new string('x', 5_000) + "needle";

        Assert.True(Decide("""{"path":"context.a","regex":"needle$"}""", $$"""{"a":"{{text}}"}""").Allowed);
        Assert.True(Decide("""{"path":"context.a","glob":"*needle"}""", $$"""{"a":"{{text}}"}""").Allowed);
    }

    private static Decision Decide(string condition, string context)
    {
        var json = SomeBundle.OfRules($$"""[{"id":"r","effect":"allow","match":{{condition}},"reason":"because"}]""", others: Data);
        var bundle = BundleReader.Read(json, BundleReadOptions.ForTrial);
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems));
        var request = new DecisionRequest("orders.read", JsonElement.Parse(context), DateTimeOffset.UnixEpoch);
        var rules = RuleSet.Compile(bundle.Value).Value!;
        var trace = rules.Explain(request);
        var decision = rules.Decide(request);
        Assert.Equal(decision, trace.Decision);
        Assert.Equal(decision.RuleId is not null, Assert.Single(trace.Steps).Matched);
        return decision;
    }
}
