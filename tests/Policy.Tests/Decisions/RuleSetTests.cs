using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
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
        Assert.Equal(new Decision(false, false, "default-deny", null, null, null), Decide(rules, "orders.write", "{}"));
    }

    private static RuleSet Compile(byte[] json) => RuleSet.Compile(BundleReader.Read(json, BundleReadOptions.ForTrial).Value!).Value!;

    private static Decision Decide(RuleSet rules, string capability, string context) =>
        rules.Decide(new DecisionRequest(capability, JsonElement.Parse(context), Noon));
}
