using OrleansPolicy.Decisions;
using static OrleansPolicy.Policy.Tests.Decisions.ContextProbe;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>Contexts of every size, hostile ones too, and many of them at once.</summary>
public sealed class LargeContextTests
{
    [Fact]
    public void Large_and_small_contexts_are_read_in_turn_on_one_thread()
    {
        foreach (var count in (int[])[10_000, 3, 63, 64, 65, 1_023, 1_024, 1_025, 5_000, 1, 10_000])
        {
            var context = Parse("{" + string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{{(i % 2 == 0 ? "\"n" : "\"\\u006e")}}{{i}}":{"v":[{{i}},"{{i}}"]}""")) + "}");
            for (var i = 0; i < count; i += 1 + (count / 50))
            {
                Assert.Equal($"{i}", Seen(context, $"n{i}", "v", 0));
                Assert.Equal($"\"{i}\"", Seen(context, $"n{i}", "v", 1));
                Assert.Equal("", Seen(context, $"n{i}", "v", 2));
                Assert.Equal("", Seen(context, $"n{i + count}"));
            }
        }
    }

    [Fact]
    public void Any_number_of_threads_read_contexts_and_look_into_one()
    {
        var shared = Parse("""{"o":{"\u0061":"\u0078","n":[1,2,3]}}""");
        var rules = Compile("""{"all":[{"path":"context.o.a","eq":"x"},{"path":"context.o.n[2]","eq":3}]}""");
        Parallel.For(0, 2_000, i =>
        {
            var own = Parse("{" + string.Concat(Enumerable.Repeat("\"f\":[0],", i % 200)) + $$$"""
                "o":{"\u0061":"x","n":[{{{i}}},2,3]}}
                """);
            Assert.True(rules.Decide(new DecisionRequest("x", shared, default)).Allowed);
            Assert.True(rules.Decide(new DecisionRequest("x", own, default)).Allowed);
            Assert.Equal($"{i}", Seen(own, "o", "n", 0));
        });
    }

    [Fact]
    public void Twenty_thousand_names_of_one_bucket_are_told_from_each_other()
    {
        // Alike at both ends, and so of one key.
        var context = Parse("{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"member__{i:x5}__member\":{i}")) + "}");

        Assert.Equal("0", Seen(context, "member__00000__member"));
        Assert.Equal("19999", Seen(context, "member__04e1f__member"));
        Assert.Equal("", Seen(context, "member__04e20__member"));
        Assert.True(Decide(context, """{"path":"context.member__00000__member","eq":0}""").Allowed);
    }

    [Fact]
    public void Twenty_thousand_escaped_names_are_found_and_as_many_that_are_no_text_do_no_harm()
    {
        var context = Parse("{" + string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"\\u006e{i}\":{i},\"\\ud800{i}\":0")) + "}");

        Assert.Equal("0", Seen(context, "n0"));
        Assert.Equal("19999", Seen(context, "n19999"));
        Assert.Equal("", Seen(context, "n20000"));
    }

    [Fact]
    public void Each_of_many_members_is_compared_with_a_large_place()
    {
        foreach (var large in (string[])[$"[{new string(' ', 100_000)}1]", $"\"\\u0078{new string('y', 100_000)}\"", $"{{\"a\":\"{new string('y', 100_000)}\"}}"])
        {
            var member = large[0] switch { '[' => "[1.5]", '"' => "\"x\"", _ => "{}" };
            var context = Parse($$"""{"large":[{{string.Concat(Enumerable.Repeat("0,", 20_000))}}{{large}}],"l":[{{string.Join(',', Enumerable.Repeat(member, 20_000))}}]}""");

            Assert.Equal("default-deny", Decide(context, """{"path":"context.l[*]","eq":{"path":"context.large[20000]"}}""").Reason);
        }
    }
}
