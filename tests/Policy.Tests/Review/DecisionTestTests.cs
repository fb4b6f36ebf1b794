using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Policy.Tests.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Review;

public sealed class DecisionTestTests
{
    [Theory]
    [InlineData("policy.json", null)]
    [InlineData("policy.v2.json", "v2")]
    public void The_examples_own_decisions_come_out_as_expected(string file, string? label)
    {
        var tests = DecisionTestReader.Read(Repository.Read("examples/gateway-policy/decisions.json"), label);

        var run = DecisionTestRun.Of(GatewayPolicyTests.Bundle(file), tests.Value).Value!;

        Assert.Empty(run.Failures);
        Assert.Equal(tests.Value.Length, run.Passed);
        Assert.InRange(run.Coverage.Percentage, 30, 40);
        Assert.Equal(run.Passed, run.Coverage.ByDefault + run.Coverage.Rules.Sum(r => r.Count));
    }

    [Fact]
    public void Each_field_that_differs_is_said_and_no_other()
    {
        var bundle = Bundle("""[{"id":"a","effect":"allow","match":{"capability":"x"},"reason":"yes"},{"id":"b","enabled":false,"effect":"deny"}]""");

        var run = Run(bundle, """
            [{"name":"one","capability_id":"x","expected":{"allowed":true,"reason":"no","rule_id":"a","suggested_alternative":null}},
             {"capability_id":"y","context":{"action_envelope":{"risk_level":"high"}},"expected":{"rule_id":null,"risk_level":"high"}}]
            """);

        var failure = Assert.Single(run.Failures);
        Assert.Equal((0, "one", "x", 1), (failure.Position, failure.Name, failure.Request.CapabilityId, run.Passed));
        var difference = Assert.Single(failure.Differences);
        Assert.Equal(("reason", "no", "yes"), (difference.Field, difference.Expected.GetString(), difference.Got.GetString()));
        Assert.Equal((1, 1, 1, 100m), (run.Coverage.Rules.Length, run.Coverage.Reached, run.Coverage.ByDefault, run.Coverage.Percentage));
    }

    [Fact]
    public void A_bundle_without_enabled_rules_is_covered() =>
        Assert.Equal(100, Run(Bundle("""[{"id":"a","enabled":false,"effect":"allow"}]"""), """[{"capability_id":"x","expected":{}}]""").Coverage.Percentage);

    [Fact]
    public void What_hangs_on_the_time_says_the_time()
    {
        var bundle = Bundle("""[{"id":"a","effect":"allow","match":{"not":{"any":[{"all":[{"time_window":{"start":"8:00","end":"9:00"}},{"capability":"*"}]}]}}}]""");

        var timeless = DecisionTestRun.Of(bundle, DecisionTestReader.Read("""[{"capability_id":"x","expected":{}}]"""u8.ToArray()).Value);
        Assert.Equal("decision_test.now_missing", Assert.Single(timeless.Problems).Code);

        var run = Run(bundle, """
            {"now":"2026-01-01T08:30:00Z","decisions":[{"capability_id":"x","expected":{"allowed":false}},{"capability_id":"x","now":"2026-01-01T09:01:00Z","expected":{"allowed":true}}]}
            """);
        Assert.Empty(run.Failures);
    }

    [Fact]
    public void A_label_chooses_its_own_expectation_where_there_is_one()
    {
        var file = """[{"capability_id":"x","expected":{"allowed":true},"expected_v2":{"allowed":false}},{"capability_id":"y","expected":{"allowed":true}}]"""u8.ToArray();

        Assert.Equal([true, true], DecisionTestReader.Read(file).Value.Select(t => t.Expected.GetProperty("allowed").GetBoolean()));
        Assert.Equal([false, true], DecisionTestReader.Read(file, "v2").Value.Select(t => t.Expected.GetProperty("allowed").GetBoolean()));
    }

    [Fact]
    public void Requests_alone_need_no_expectation_where_none_is_asked_for()
    {
        var file = """[{"capability_id":"x","context":null},{"capability_id":"x","context":7}]"""u8.ToArray();

        Assert.Equal(["decision_test.expected", "decision_test.expected"], DecisionTestReader.Read(file).Problems.Select(p => p.Code));
        var read = DecisionTestReader.Read(file, needsExpected: false).Value;
        Assert.Equal([null, JsonValueKind.Number], read.Select(t => t.Context?.ValueKind));
    }

    [Theory]
    [InlineData("", "decision_test.malformed")]
    [InlineData("7", "decision_test.malformed")]
    [InlineData("{}", "decision_test.malformed")]
    [InlineData("[7]", "decision_test.malformed")]
    [InlineData("[]", "decision_test.count")]
    [InlineData("""{"tests":1,"decisions":[{"capability_id":"x","expected":{}}]}""", "decision_test.field")]
    [InlineData("""[{"capability":"x","expected":{}}]""", "decision_test.field")]
    [InlineData("""[{"capability_id":"x","now":"noon","expected":{}}]""", "decision_test.now")]
    [InlineData("""[{"capability_id":"x","expected":true}]""", "decision_test.expected")]
    [InlineData("""[{"capability_id":"x","expected":{"allow":true}}]""", "decision_test.expected")]
    [InlineData("""[{"capability_id":"x","capability_id":"x","expected":{}}]""", "decision_test.malformed")]
    public void Everything_that_is_wrong_is_said(string file, string code) =>
        Assert.Equal(code, DecisionTestReader.Read(Encoding.UTF8.GetBytes(file)).Problems[0].Code);

    private static Bundle Bundle(string rules) => BundleReader.Read(SomeBundle.OfRules(rules), BundleReadOptions.ForTrial).Value!;

    private static DecisionTestRun Run(Bundle bundle, string tests) =>
        DecisionTestRun.Of(bundle, DecisionTestReader.Read(Encoding.UTF8.GetBytes(tests)).Value).Value!;
}
