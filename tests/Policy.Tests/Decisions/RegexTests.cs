using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>The patterns that have stopped other systems: what needs backtracking is refused, all else takes time linear in the text.</summary>
public sealed class RegexTests
{
    [Theory]
    [InlineData(@"(a+)\1+$")]
    [InlineData(@"(?<q>['""]).*\k<q>")]
    [InlineData(@"^(?=.*[A-Z])(?=.*\d).{8,}$")]
    [InlineData(@"^(?!.*admin).*$")]
    [InlineData(@"(?<=a)b")]
    [InlineData(@"(?>a+)b")]
    [InlineData(@"^(?:(?<open>\()|(?<-open>\)))+$")]
    [InlineData(@"(?(a)b|c)")]
    [InlineData(@"((a{1,100}){1,100}){1,100}")]
    [InlineData(@"(.{0,500}x){500}")]
    [InlineData(@"(?#[)(a{999}){999}")]
    [InlineData(@"(?x)(a{999}) {999}")]
    [InlineData(@"(?i-m+X:(a{999}) {999})")]
    [InlineData("(?x:#[\n(a{999}){999})")]
    [InlineData(@"[\\](a{999}){999}")]
    [InlineData(@"[^\\](a{999}){999}")]
    [InlineData(@"[\c\](a{999}){999}")]
    [InlineData(@"\c[(a{999}){999}")]
    [InlineData(@"[[::][](a{999}){999}[]]")]
    [InlineData(@"(a{999}[b-[])(]]){999}")]
    [InlineData(@"(?<long>(?i:(?'name'a){999})){999}")]
    public void What_could_backtrack_or_grow_without_bound_is_refused_when_the_bundle_is_read(string pattern) => Assert.Equal(
        "bundle.rule.regex", BundleReader.Read(OneRule(pattern), BundleReadOptions.ForTrial).Problems.Single().Code);

    [Theory]
    [InlineData(@"^a(?#a comment, with [ and \){3}$", "aaa")]
    [InlineData(@"^[\\]{2}[\c\]\c[$", "\\\\\u001c\u001b")]
    [InlineData(@"^{,5}{a}[[(]{2}$", "{,5}{a}[(")]
    [InlineData(@"^(?i-s:A)(?<x>b)[]-]$", "ab]")]
    public void What_looks_like_more_than_it_is_may_be_used(string pattern, string text)
    {
        var rules = RuleSet.Compile(BundleReader.Read(OneRule(pattern), BundleReadOptions.ForTrial).Value!).Value!;

        Assert.True(rules.Decide(new DecisionRequest("x", JsonSerializer.SerializeToElement(new { a = text }), DateTimeOffset.UnixEpoch)).Allowed);
    }

    [Theory]
    [InlineData("^(a+)+$")]
    [InlineData("^(a|aa)+$")]
    [InlineData("^(a|a)*$")]
    [InlineData("^([a-zA-Z]+)*$")]
    [InlineData("^(.*a){12}$")]
    [InlineData("(x+x+)+y")]
    [InlineData(@"^(([a-z])+.)+[A-Z]([a-z])+$")]
    public void What_would_take_a_backtracking_engine_for_ever_is_decided(string pattern)
    {
        var rules = RuleSet.Compile(BundleReader.Read(OneRule(pattern), BundleReadOptions.ForTrial).Value!).Value!;
        var input = JsonSerializer.SerializeToElement(new { a = new string('a', 20_000) + "!" });

        // Whether this ends at all is the test: elsewhere each letter doubles the time.
        Assert.False(rules.Decide(new DecisionRequest("x", input, DateTimeOffset.UnixEpoch)).IsError);
    }

    [Fact]
    public void What_rules_in_use_have_already_is_not_built_again()
    {
        // Other tests may make it forget in between.
        var shared = Enumerable.Range(0, 1_000).Any(_ =>
        {
            var inUse = SharedRegexes.Find("^in-use$");
            return ReferenceEquals(SharedRegexes.Find("^in-use$"), inUse);
        });

        Assert.True(shared);
    }

    [Fact]
    public void However_many_patterns_there_were_only_so_many_are_remembered()
    {
        var inUse = Enumerable.Range(0, SharedRegexes.PatternsMax + 1).Select(i => SharedRegexes.Find($"^{i}$")!).ToArray();

        Assert.NotSame(inUse[0], SharedRegexes.Find("^0$"));
        Assert.Matches(SharedRegexes.Find("^0$")!, "0");
    }

    private static byte[] OneRule(string pattern) => SomeBundle.OfRules(
        $$"""[{"id":"a","effect":"allow","match":{"path":"context.a","regex":{{JsonSerializer.Serialize(pattern)}} } }]""");
}
