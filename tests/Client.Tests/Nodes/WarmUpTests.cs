using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>
/// A bundle decides recent inputs before it is in force. What it decides then is thrown away; that it did is seen on its count of errors,
/// because a recent input has a text where the new rule wants a number.
/// </summary>
public sealed class WarmUpTests
{
    private const string AmountRule = """{"id":"amount","effect":"allow","match":{"capability":"transfer","path":"context.amount","gt":5} }""";

    private static readonly JsonElement Many = JsonElement.Parse("""{"amount":"many"}"""u8);

    [Theory]
    [InlineData(64, 1)]
    [InlineData(0, 0)]
    public async Task A_file_is_warmed_on_recent_inputs_before_it_is_in_force(int recentInputs, int errors)
    {
        using var test = new FileNode();
        test.Write("1.0.0");
        var seen = new List<(string? InForce, string New, long Errors)>();
        PolicyNode? node = null;
        var options = test.Unwatched with
        {
            RecentInputs = recentInputs,

            // Asked between the warm-up and the swap.
            CommitFile = (policy, knownEpoch) =>
            {
                seen.Add((node?.Status.Version, policy.Version, policy.Rules.Errors));
                return Task.FromResult(Outcome<NodeDirective>.Ok(new NodeDirective
                {
                    Epoch = knownEpoch + 1,
                    PolicyHash = policy.PolicyHash,
                    Version = policy.Version,
                    LeaseSec = null,
                }));
            },
        };
        await using (node = await PolicyNode.StartAsync(options))
        {
            Assert.False(node.Decide("transfer", Many).Decision.IsError);
            await File.WriteAllBytesAsync(test.File, test.Bundles.Make("2.0.0", AmountRule).Content, TestContext.Current.CancellationToken);

            Assert.True((await node.ReloadAsync()).Success);
        }

        Assert.Equal([(null, "1.0.0", 0), ("1.0.0", "2.0.0", errors)], seen);
    }

    [Fact]
    public async Task A_demanded_bundle_is_warmed_on_recent_inputs_whether_it_is_fetched_or_at_hand()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var errors = new System.Collections.Concurrent.ConcurrentQueue<long>();
        PolicyNode? node = null;
        var options = test.Options with
        {
            OnEvent = e =>
            {
                if (e.Kind == NodeEventKind.Swapped && node?.Now.Policy is { Version: "2.0.0" } policy)
                {
                    errors.Enqueue(policy.Rules.Errors);
                }
            },
        };
        var one = test.Publish("1.0.0");
        var two = test.Plane.Store(test.Bundles.Make("2.0.0", AmountRule));
        await using (node = await test.ServingAsync(one, options))
        {
            await Eventually.Holds(() => node.Decide("transfer", Many).Served);

            foreach (var (bundle, swaps) in new[] { (two, 1), (one, 1), (two, 2) })
            {
                test.Plane.Demand(bundle);
                await Eventually.Holds(() => node.Status.PolicyHash == bundle.Hash && errors.Count == swaps);
            }
        }

        Assert.Equal([1, 2], errors);
    }

    [Fact]
    public void Inputs_are_sampled_at_intervals_and_the_newest_are_kept()
    {
        var second = TimeProvider.System.TimestampFrequency;
        var recent = new RecentInputs(4, TimeProvider.System);
        for (var i = 0; i < 6; i++)
        {
            recent.Offer($"c{i}", JsonElement.Parse("{}"u8), i * second);
        }

        recent.Offer("too-soon", default, (5 * second) + 1);

        Assert.Equal(["c2", "c3", "c4", "c5"], recent.Read().Select(input => input.CapabilityId).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_is_kept_of_an_input_is_its_own_context_unless_that_is_large()
    {
        var recent = new RecentInputs(4, TimeProvider.System);
        var context = DecisionContext.Parse("{}"u8);
        var large = DecisionContext.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 64 * 1024)}}"}"""));

        recent.Offer("small", context, 0);
        recent.Offer("large", large, TimeProvider.System.TimestampFrequency);
        var many = DecisionContext.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"list":[{{string.Join(',', Enumerable.Repeat('0', 2_000))}}]}"""));
        recent.Offer("many values", many, 2 * TimeProvider.System.TimestampFrequency);
        recent.Offer("none", null, 3 * TimeProvider.System.TimestampFrequency);

        Assert.Equal(["small", "none"], recent.Read().Select(input => input.CapabilityId));
        Assert.Same(context, recent.Read()[0].Context);
    }

    [Fact]
    public void No_inputs_are_kept_where_none_are_wanted()
    {
        var none = new RecentInputs(0, TimeProvider.System);
        none.Offer("c", default, 1);

        Assert.Empty(none.Read());
    }
}
