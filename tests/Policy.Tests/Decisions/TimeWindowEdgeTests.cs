using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class TimeWindowEdgeTests
{
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
}
