using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class RuleReaderTests
{
    [Theory]
    [InlineData("1", "bundle.rule.type $.policies[0]")]
    [InlineData("{}", "bundle.rule.effect $.policies[0].effect, bundle.rule.id_missing $.policies[0].id")]
    [InlineData("""{"id":"a","effect":"DENY"}""", "bundle.rule.effect $.policies[0].effect")]
    [InlineData("""{"id":"a","effect":true}""", "bundle.rule.effect $.policies[0].effect")]
    [InlineData("""{"id":"a","effect":"deny","decision":{"action":"deny"}}""", "bundle.rule.form $.policies[0]")]
    [InlineData("""{"match":{},"decision":{}}""", "bundle.rule.action $.policies[0].decision.action")]
    [InlineData("""{"match":{},"decision":{"action":"block"}}""", "bundle.rule.action $.policies[0].decision.action")]
    [InlineData("""{"match":{},"decision":null}""", "bundle.rule.decision $.policies[0].decision")]
    [InlineData("""{"match":[],"decision":{"action":"deny"}}""", "bundle.rule.match $.policies[0].match")]
    [InlineData("""{"match":null,"decision":{"action":"deny"}}""", "bundle.rule.match $.policies[0].match")]
    [InlineData("""{"id":1,"effect":"deny","reason":[],"suggested_alternative":7,"priority":1.5,"enabled":"yes"}""",
        "bundle.rule.text $.policies[0].reason, bundle.rule.text $.policies[0].suggested_alternative, bundle.rule.text $.policies[0].id, bundle.rule.id_missing $.policies[0].id, bundle.rule.priority $.policies[0].priority, bundle.rule.flag $.policies[0].enabled")]
    [InlineData("""{"id":"a","effect":"deny","priority":"1"}""", "bundle.rule.priority $.policies[0].priority")]
    [InlineData("""{"id":"a","effect":"deny"},{"id":"a","effect":"deny"}""", "bundle.rule.id_duplicate $.policies[1].id")]
    public void What_is_no_rule_is_refused(string rules, string problems) => Assert.Equal(problems, Problems($"[{rules}]"));

    [Theory]
    [InlineData("""{"colour":"red"}""", "bundle.rule.match_unknown $.colour")]
    [InlineData("""{"eq":1}""", "bundle.rule.path $.eq")]
    [InlineData("""{"path":"context.a"}""", "bundle.rule.operator_missing $")]
    [InlineData("""{"path":1,"eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"contexts","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"a.b","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context.","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context..a","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context.a b","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[]","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[a]","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[1","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[12345678]","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[\"\"]","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context[*]a","eq":1}""", "bundle.rule.path $.path")]
    [InlineData("""{"path":"context.a","eq":[]}""", "bundle.rule.operand $.eq")]
    [InlineData("""{"path":"context.a","ne":[[1]]}""", "bundle.rule.operand $.ne")]
    [InlineData("""{"path":"context.a","in":"x"}""", "bundle.rule.operand $.in")]
    [InlineData("""{"path":"context.a","not_in":[]}""", "bundle.rule.operand $.not_in")]
    [InlineData("""{"path":"context.a","contains":""}""", "bundle.rule.operand $.contains")]
    [InlineData("""{"path":"context.a","contains":[]}""", "bundle.rule.operand $.contains")]
    [InlineData("""{"path":"context.a","contains":[[]]}""", "bundle.rule.operand $.contains")]
    [InlineData("""{"path":"context.a","prefix":""}""", "bundle.rule.operand $.prefix")]
    [InlineData("""{"path":"context.a","suffix":1}""", "bundle.rule.operand $.suffix")]
    [InlineData("""{"path":"context.a","glob":[]}""", "bundle.rule.operand $.glob")]
    [InlineData("""{"path":"context.a","lt":"1"}""", "bundle.rule.operand $.lt")]
    [InlineData("""{"path":"context.a","gte":[1]}""", "bundle.rule.operand $.gte")]
    [InlineData("""{"path":"context.a","exists":1}""", "bundle.rule.operand $.exists")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.1/8"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"10.0.0.0/33"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"localhost"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":[]}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":["10.0.0.1","::ffff:10.0.0.1"]}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"::ffff:10.0.0.0/104"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"::ffff:0:0/96"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"10.20.30"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"10.20/16"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"167772161"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"010.0.0.1"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"012.0.0.0/8"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"0xa.0.0.1"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"[2001:db8::1]:443"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":"fe80::1%1"}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","cidr":8}""", "bundle.rule.cidr $.cidr")]
    [InlineData("""{"path":"context.a","regex":"("}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","regex":"(?=a)a"}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","regex":"(?<!a)a"}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","regex":"(a)\\1"}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","regex":"((a{1,1000}){1,1000}){1,1000}"}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","regex":["a",1]}""", "bundle.rule.regex $.regex")]
    [InlineData("""{"path":"context.a","eq":{"data":"x"}}""", "bundle.rule.data $.eq")]
    [InlineData("""{"path":"context.a","eq":{"data":"list.x"}}""", "bundle.rule.data $.eq")]
    [InlineData("""{"path":"context.a","eq":{"data":1}}""", "bundle.rule.data $.eq")]
    [InlineData("""{"path":"context.a","eq":{"other":"list"}}""", "bundle.rule.data $.eq")]
    [InlineData("""{"path":"context.a","eq":{"data":"list","more":1}}""", "bundle.rule.data $.eq")]
    [InlineData("""{"path":"context.a","lt":{"data":"list"}}""", "bundle.rule.operand $.lt")]
    [InlineData("""{"path":"context.a","lt":{"path":"context.b"}}""", "bundle.rule.data $.lt")]
    [InlineData("""{"path":"context.a","eq":{"path":"context.b[*]"}}""", "bundle.rule.path $.eq")]
    [InlineData("""{"path":"context.a","eq":{"path":"capability_id"}}""", "bundle.rule.path $.eq")]
    [InlineData("""{"path":"context.a","eq":{"path":1}}""", "bundle.rule.path $.eq")]
    [InlineData("""{"path":"context.a","ne":{"path":"context.b","x":1}}""", "bundle.rule.path $.ne")]
    [InlineData("""{"all":[]}""", "bundle.rule.operand $.all")]
    [InlineData("""{"any":{}}""", "bundle.rule.operand $.any")]
    [InlineData("""{"any":[1]}""", "bundle.rule.condition $.any[0]")]
    [InlineData("""{"any":[{}]}""", "bundle.rule.condition $.any[0]")]
    [InlineData("""{"not":{"persons":[]}}""", "bundle.rule.condition $.not")]
    [InlineData("""{"not":[{"path":"x"}]}""", "bundle.rule.condition $.not")]
    [InlineData("""{"all":[{"any":[{"not":{"path":"context.a","lt":[]}}]}]}""", "bundle.rule.operand $.all[0].any[0].not.lt")]
    [InlineData("""{"capability":1}""", "bundle.rule.operand $.capability")]
    [InlineData("""{"capability":[]}""", "bundle.rule.operand $.capability")]
    [InlineData("""{"capability":"a*b"}""", "bundle.rule.operand $.capability")]
    [InlineData("""{"capability":["**"]}""", "bundle.rule.operand $.capability")]
    [InlineData("""{"intent_prefix":{"a":1}}""", "bundle.rule.operand $.intent_prefix")]
    [InlineData("""{"auth_scope":[[1]]}""", "bundle.rule.operand $.auth_scope")]
    [InlineData("""{"safety_context":"public"}""", "bundle.rule.operand $.safety_context")]
    [InlineData("""{"safety_context":{"level":1}}""", "bundle.rule.match_unknown $.safety_context")]
    [InlineData("""{"persons":"alice"}""", "bundle.rule.persons $.persons")]
    [InlineData("""{"persons":false}""", "bundle.rule.persons $.persons")]
    [InlineData("""{"time_window":"09:00-17:00"}""", "bundle.rule.time_window $.time_window")]
    [InlineData("""{"time_window":{"start":"09:00"}}""", "bundle.rule.time_window $.time_window.end")]
    [InlineData("""{"time_window":{"start":"9","end":"24:01"}}""", "bundle.rule.time_window $.time_window.start, bundle.rule.time_window $.time_window.end")]
    [InlineData("""{"time_window":{"start":"09:60","end":"-1:00"}}""", "bundle.rule.time_window $.time_window.start, bundle.rule.time_window $.time_window.end")]
    [InlineData("""{"time_window":{"start":"09:000","end":"x:00"}}""", "bundle.rule.time_window $.time_window.start, bundle.rule.time_window $.time_window.end")]
    [InlineData("""{"time_window":{"start":"09:xx","end":"009:00"}}""", "bundle.rule.time_window $.time_window.start, bundle.rule.time_window $.time_window.end")]
    [InlineData("""{"time_window":{"start":900,"end":"10:00","zone":"Mars/Olympus","days":["mon","someday"]}}""",
        "bundle.rule.time_window $.time_window.start, bundle.rule.time_zone $.time_window.zone, bundle.rule.time_window $.time_window.days")]
    [InlineData("""{"time_window":{"start":"9:00","end":"10:00","zone":5,"days":[]}}""",
        "bundle.rule.time_zone $.time_window.zone, bundle.rule.time_window $.time_window.days")]
    [InlineData("""{"time_window":{"start":"9:00","end":"10:00","zone":"CET"}}""", "bundle.rule.time_zone $.time_window.zone")]
    [InlineData("""{"time_window":{"start":"9:00","end":"10:00","zone":"/etc/localtime"}}""", "bundle.rule.time_zone $.time_window.zone")]
    [InlineData("""{"time_window":{"start":"9:00","end":"10:00","zone":"../../etc/passwd"}}""", "bundle.rule.time_zone $.time_window.zone")]
    [InlineData("""{"time_window":{"start":"9:00","end":"10:00","zone":"/dev/null"}}""", "bundle.rule.time_zone $.time_window.zone")]
    public void What_is_no_condition_is_refused_with_its_place(string match, string problems) => Assert.Equal(
        problems.Replace(" $", " $.policies[0].match", StringComparison.Ordinal),
        Problems($$"""[{"id":"a","effect":"allow","match":{{match}}}]"""));

    [Fact]
    public void Unison_rules_pass_over_what_they_do_not_know_unless_strict()
    {
        const string rules = """[{"match":{"colour":"red","safety_context":{"level":1}},"decision":{"action":"deny"}}]""";

        Assert.Equal("", Problems(rules));
        Assert.Equal(
            "bundle.unknown_field $.policies[0].match.colour, bundle.rule.match_unknown $.policies[0].match.safety_context",
            Problems(rules, new BundleReadOptions { AllowUnsigned = true, Strict = true }));
    }

    [Fact]
    public void A_path_has_a_limit() =>
        Assert.StartsWith("bundle.rule.path", Problems($$$"""[{"id":"a","effect":"allow","match":{"path":"context.{{{new string('a', PathTable.LengthMax)}}}","eq":1}}]"""), StringComparison.Ordinal);

    [Fact]
    public void Globs_and_regular_expressions_have_limits()
    {
        Assert.StartsWith("bundle.rule.operand", Problems($$$"""[{"id":"a","effect":"allow","match":{"path":"context.a","glob":"{{{new string('a', GlobPattern.LengthMax + 1)}}}"}}]"""), StringComparison.Ordinal);
        Assert.StartsWith("bundle.rule.regex", Problems($$$"""[{"id":"a","effect":"allow","match":{"path":"context.a","regex":"{{{new string('a', RegexCost.LengthMax + 1)}}}"}}]"""), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("a{3}", 3)]
    [InlineData("(ab){1,5}c", 16)]
    [InlineData("(a{10}){10}", 110)]
    [InlineData("a{2,}", 2)]
    [InlineData("[]a{9}]{4}", 4)]
    [InlineData("[^]a]{4}", 4)]
    [InlineData("[a\\]{9}]{4}", 4)]
    [InlineData("\\({3}", 3)]
    [InlineData("a{x}", 4)]
    [InlineData("a{3", 3)]
    [InlineData("a{0}", 1)]
    [InlineData("a(?#[){5}", 5)]
    [InlineData("({,5})", 5)]
    [InlineData("({x,5})", 6)]
    [InlineData("({5\0})", 5)]
    [InlineData("(?i-s:ab){2}", 16)]
    [InlineData("[\\\\]a{9}", 10)]
    [InlineData("[^\\\\]a{9}", 10)]
    [InlineData("[\\c\\]a{9}", 10)]
    [InlineData("\\c[a{9}]", 11)]
    [InlineData("[^[]a{9}", 10)]
    [InlineData("\\", 1)]
    [InlineData("[", RegexCost.StatesMax + 1)]
    [InlineData("a)b", RegexCost.StatesMax + 1)]
    [InlineData("(a", RegexCost.StatesMax + 1)]
    [InlineData("a(?#b", 1)]
    [InlineData("(?x)a", RegexCost.StatesMax + 1)]
    [InlineData("(?i-mX:a)", RegexCost.StatesMax + 1)]
    [InlineData("(?ix", RegexCost.StatesMax + 1)]
    [InlineData("(?i", RegexCost.StatesMax + 1)]
    [InlineData("(?<x>a)", 6)]
    [InlineData("[a-z-[aeiou]]", RegexCost.StatesMax + 1)]
    [InlineData("[[::][]a", RegexCost.StatesMax + 1)]
    public void The_size_of_a_regular_expression_is_estimated_from_above(string pattern, long states) =>
        Assert.Equal(states, RegexCost.Estimate(pattern));

    [Fact]
    public void Defaults_are_those_of_the_language()
    {
        var bundle = BundleReader.Read(SomeBundle.OfRules("""
            [{"id":"a","effect":"allow","reason":null,"suggested_alternative":null},
             {"match":{"intent_prefix":["x.","y."]},"decision":{"action":"require_confirmation","suggested_alternative":"wait"}},
             {"match":{"intent_prefix":""},"decision":{"action":"deny","reason":""}},
             {"id":"d","priority":-3,"enabled":false,"match":{"intent_prefix":5},"decision":{"action":"deny"}}]
            """), BundleReadOptions.ForTrial).Value!;

        Assert.Equal(
            [("a", "rule:*", null, 0, true), ("#1", "rule:x.|y.", "wait", 0, true), ("#2", "", null, 0, true), ("d", "rule:5", null, -3, false)],
            bundle.Rules.Select(r => (r.Id, r.Reason, r.SuggestedAlternative, r.Priority, r.Enabled)));
        Assert.Equal("d", bundle.Rules[3].Source.GetProperty("id").GetString());
    }

    private static string Problems(string rules, BundleReadOptions? options = null) => string.Join(", ", BundleReader.Read(
        SomeBundle.OfRules(rules, others: ",\"data\":{\"list\":[1]}"), options ?? BundleReadOptions.ForTrial).Problems.Select(p => $"{p.Code} {p.Path}"));
}
