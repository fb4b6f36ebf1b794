using System.Text;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.DecisionLogs;

public sealed class RecordWriterTests
{
    private const string Dropped = "\"context_kept\":\"dropped\"";

    private static readonly NodeDecision Answer = new(new Decision(true, false, "fine", "r", null, null), "1.0.0", "hash", 1, DateTimeOffset.UnixEpoch);

    private static readonly DecisionLogOptions Masking = new()
    {
        DropPaths = ["context.subject.token", "context.items.card"],
        HashPaths = ["context.subject.email", "context.address", "context.pin"],
        HashSecret = "the same in all nodes",
    };

    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("""{ "a" : [ ] , "b" : { } }""", """{"a":[],"b":{}}""")]
    [InlineData("""[[1,[2]],{"n":[null,true,false]}]""", """[[1,[2]],{"n":[null,true,false]}]""")]
    [InlineData("""{"n":[1.0,1e400,-0,0.1e-7,123456789012345678901234567890]}""", """{"n":[1.0,1e400,-0,0.1e-7,123456789012345678901234567890]}""")]
    [InlineData("""{"a":1,"a":2}""", """{"a":1,"a":2}""")]
    [InlineData("""{"\u0061\n":"\u00fc\ud83d\ude00\/\\\"\u0000","ü":"+'<&>"}""", """{"a\n":"ü\uD83D\uDE00/\\\"\u0000","ü":"+'<&>"}""")]
    [InlineData("5", "5")]
    public void A_context_is_copied_as_it_is_whatever_its_layout(string context, string written) =>
        Assert.Contains($"\"context\":{written},\"decision\":", Line(context, new()), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"subject":{"token":"s","id":1},"token":2}""", """{"subject":{"id":1},"token":2}""")]
    [InlineData("""{"subject":{"\u0074oken":{"a":["s",{}]},"id":1}}""", """{"subject":{"id":1}}""")]
    [InlineData("""{"subject":{"token":"\ud800"},"subject":{"token":1,"x":[{"token":3}]}}""", """{"subject":{},"subject":{"x":[{"token":3}]}}""")]
    [InlineData("""{"items":[{"card":1,"n":1},[{"card":[2],"n":2}]],"subject":"token"}""", """{"items":[{"n":1},[{"n":2}]],"subject":"token"}""")]
    [InlineData("""[{"subject":{"token":1}}]""", """[{"subject":{}}]""")]
    public void What_is_to_be_dropped_is_not_there(string context, string written) =>
        Assert.Contains($"\"context\":{written},\"context_kept\":\"masked\",\"decision\":", Line(context, Masking), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"subject":{"email":"ann@example.org"}}""", """{"subject":{"email":"\u0061nn@example.org"}}""", true)]
    [InlineData("""{"pin":"1234"}""", """{"pin":1234}""", true)]
    [InlineData("""{"pin":1234}""", """{"pin":1234.0}""", false)]
    [InlineData("""{"address":{"zip": [1]}}""", """{"x":0,"address":{"zip": [1]},"y":1}""", true)]
    [InlineData("""{"address":{"zip": [1]}}""", """{"address":{"zip":[1]}}""", false)]
    public void Equal_values_have_equal_hashes_and_nothing_else_of_them_is_known(string one, string other, bool isSame)
    {
        Assert.Equal(isSame, HashIn(Line(one, Masking)) == HashIn(Line(other, Masking)));
        Assert.DoesNotContain("ann", Line(one, Masking), StringComparison.Ordinal);
        Assert.DoesNotContain("zip", Line(one, Masking), StringComparison.Ordinal);
        Assert.DoesNotContain("1234\"", Line(one, Masking), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"subject":{"email":"\ud800"}}""")]
    public void A_text_with_half_a_surrogate_pair_leaves_a_line_without_the_context(string context)
    {
        Assert.Contains(Dropped, Line(context, Masking), StringComparison.Ordinal);
        Assert.Contains(Dropped, Line(context, new()), StringComparison.Ordinal);
    }

    [Fact]
    public void No_context_is_left_out_and_one_that_more_than_json_was_allowed_of_is_json()
    {
        Assert.Contains("\"capability_id\":\"read\",\"decision\":", Line((DecisionContext?)null, new()), StringComparison.Ordinal);
        Assert.Contains("\"capability_id\":\"read\",\"decision\":", Line(default(JsonElement), Masking), StringComparison.Ordinal);
        Assert.Contains("\"capability_id\":\"read\",\"decision\":", Line(" null", Masking), StringComparison.Ordinal);
        using var lenient = JsonDocument.Parse("{\n\"a\": [1, /* one */], }", new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        Assert.Contains("""{"a":[1]},"decision":""", Line(lenient.RootElement, new()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_line_takes_no_memory_once_the_thread_has_written_one(bool isMasked)
    {
        var writer = Writer(isMasked ? Masking : new());
        var context = DecisionContext.Parse("""{"subject":{"id":"M\u00fcller","email":"m@example.org","token":"t"},"pin":1,"items":[{"card":1,"n":2.50}],"ok":true}"""u8);
        var least = long.MaxValue;

        // A collection may take away what was kept for the next line, now and then.
        for (var i = 0; i < 1000 && least > 0; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            writer.Write("read", context, Answer);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static RecordWriter Writer(DecisionLogOptions options) => new("n-1", "edge", ContextMask.For(options));

    private static string Line(string context, DecisionLogOptions options) => Line(DecisionContext.Parse(Encoding.UTF8.GetBytes(context)), options);

    private static string Line(DecisionContext? context, DecisionLogOptions options)
    {
        var line = Encoding.UTF8.GetString(Writer(options).Write("read", context, Answer));
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        return line;
    }

    private static string HashIn(string line) => line.Substring(line.IndexOf("hmac:", StringComparison.Ordinal), ContextMask.HashLength + 1);
}
