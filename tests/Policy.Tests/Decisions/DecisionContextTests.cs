using System.Text;
using System.Text.Json;
using OrleansPolicy.Decisions;
using static OrleansPolicy.Policy.Tests.Decisions.ContextProbe;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class DecisionContextTests
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 1_000 };

    [Fact]
    public void No_context_has_no_members_and_is_itself_absent()
    {
        foreach (var context in (DecisionContext?[])[null, DecisionContext.Empty, DecisionContext.FromJsonElement(default), default(JsonElement)])
        {
            Assert.Equal("", At(context, "context"));
            Assert.Equal("", At(context, "context.a"));
            Assert.Equal("", At(context, "context[0]"));
            Assert.Equal("default-deny", Decide(context, """{"path":"context","exists":true}""").Reason);
            Assert.True(Decide(context, """{"path":"context[*]","exists":false}""").Allowed);
        }

        Assert.Equal("{}", Encoding.UTF8.GetString(DecisionContext.Empty.Utf8));
        Assert.Null(DecisionContext.Empty.Fault);
    }

    [Fact]
    public void Null_has_no_members_but_is_there_as_is_an_empty_object()
    {
        foreach (var json in (string[])["null", "{}", " { } "])
        {
            foreach (var context in Both(json))
            {
                Assert.Null(context.Fault);
                Assert.Equal(json.Trim(), At(context, "context"));
                Assert.Equal("", At(context, "context.a"));
                Assert.True(Decide(context, """{"path":"context","exists":true}""").Allowed);
                Assert.Equal(json == "null", Decide(context, """{"path":"context","eq":null}""").Allowed);
            }
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[{\"a\":1}]")]
    [InlineData("\"{}\"")]
    [InlineData("5")]
    [InlineData(" true ")]
    [InlineData("false")]
    public void What_is_no_object_is_denied(string json)
    {
        foreach (var context in Both(json))
        {
            var decision = Decide(context, """{"path":"context","exists":true}""");

            Assert.Equal((false, true, "evaluation-error: context is no object"), (decision.Allowed, decision.IsError, decision.Reason));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("{")]
    [InlineData("{\"a\":}")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{/**/}")]
    [InlineData("{\"a\":\"\\x\"}")]
    [InlineData("{\"\\u00g0\":1}")]
    [InlineData("\ufeff{}")]
    public void What_is_no_JSON_is_not_read(string json)
    {
        Assert.ThrowsAny<JsonException>(() => DecisionContext.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.Equal("1", At(Parse("""{"a":1}"""), "context.a")); // On the same thread.
    }

    [Fact]
    public void A_context_that_is_too_deep_is_not_read_and_denied_where_it_was_parsed()
    {
        var (deepest, deeper) = (Nested(DecisionContext.DepthMax - 1), Nested(DecisionContext.DepthMax));
        Assert.Equal("[]", At(Parse(deepest), "context.a" + string.Concat(Enumerable.Repeat("[0]", DecisionContext.DepthMax - 2))));
        Assert.True(Decide(Parse(deepest), """{"path":"context.a","exists":true}""").Allowed);
        Assert.ThrowsAny<JsonException>(() => Parse(deeper));
        using var document = JsonDocument.Parse(deeper, Lenient);

        var decision = Decide(document.RootElement, """{"path":"context.a","exists":true}""");

        Assert.True(decision.IsError);
        Assert.StartsWith("evaluation-error: context cannot be read: ", decision.Reason, StringComparison.Ordinal);
        Assert.True(DecisionContext.FromJsonElement(document.RootElement).Utf8.IsEmpty);

        static string Nested(int depth) => "{\"a\":" + new string('[', depth) + new string(']', depth) + "}";
    }

    [Fact]
    public void A_context_outlives_its_document_and_is_denied_where_that_is_gone_before_it_is_read()
    {
        JsonElement gone;
        DecisionContext kept;
        using (var document = JsonDocument.Parse("""{"a":1}"""))
        {
            gone = document.RootElement;
            kept = gone;
        }

        Assert.True(Decide(kept, """{"path":"context.a","eq":1}""").Allowed);
        var decision = Decide(gone, """{"path":"context.a","eq":1}""");
        Assert.True(decision.IsError);
        Assert.StartsWith("evaluation-error: context cannot be read: ", decision.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_does_not_see_what_becomes_of_the_bytes_it_was_read_from()
    {
        var json = """{"a":1}"""u8.ToArray();
        var context = DecisionContext.Parse(json);
        json.AsSpan().Clear();

        Assert.Equal("1", At(context, "context.a"));
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(context.Utf8));
    }

    [Fact]
    public void Comments_and_trailing_commas_are_passed_over_where_who_parsed_it_allowed_them()
    {
        const string Json = "{/*{*/\"a\": /*1*/[1,/*,2*/2, // 3\n{\"b\":[5,/**/],},],\"c\":\"//\",}";
        using var document = JsonDocument.Parse(Json, Lenient);
        DecisionContext context = document.RootElement;

        Assert.Equal(Json, Encoding.UTF8.GetString(context.Utf8));
        Assert.Equal("1", At(context, "context.a[0]"));
        Assert.Equal("2", At(context, "context.a[1]"));
        Assert.Equal("", At(context, "context.a[3]"));
        Assert.Equal("5", At(context, "context.a[2].b[0]"));
        Assert.Equal("\"//\"", At(context, "context.c"));
        Assert.True(Decide(context, """{"path":"context.a[2].b","eq":[5]}""").Allowed);
        Assert.True(Decide(context, """{"path":"context.a","ne":{"path":"context.a[2].b"}}""").Allowed);
    }

    [Theory]
    [InlineData("a", "\\u0061")]
    [InlineData("é", "\\u00E9")]
    [InlineData("\ud83d\ude00", "\\ud83d\\uDE00")]
    [InlineData("x\ud83d\ude00y\ud83d\ude00", "x\\ud83d\\uDE00y\ud83d\ude00")]
    [InlineData("a/b", "a\\/b")]
    [InlineData("a\tb", "a\\tb")]
    [InlineData("eightish", "eightis\\u0068")]
    [InlineData("a name with more than sixteen bytes", "a name with more than sixteen byte\\u0073")]
    public void A_name_is_found_however_it_is_written(string name, string written)
    {
        // Twice, since the names without their escapes share the room behind the JSON.
        var context = Parse($$"""{"{{written}}":1,"\u006fther":{"{{written}}":2,"plain":3},"last\u0021":4}""");

        Assert.Equal("1", Seen(context, name));
        Assert.Equal("2", Seen(context, "other", name));
        Assert.Equal("3", Seen(context, "other", "plain"));
        Assert.Equal("4", Seen(context, "last!"));
        Assert.Equal("", Seen(context, written));
        Assert.True(Decide(context, """{"path":"context.other.plain","eq":3}""").Allowed);
    }

    [Theory]
    [InlineData("\\ud800")]
    [InlineData("\\udc00")]
    [InlineData("\\ud800x")]
    [InlineData("\\ud800\\n")]
    [InlineData("\\ud800\\ud800")]
    [InlineData("\\udc00\\ud800")]
    [InlineData("x\\ud83d\\ude00\\ud83d")]
    public void A_name_with_half_a_surrogate_pair_is_nobodys(string written)
    {
        foreach (var json in (string[])[$$"""{"{{written}}":{"a":1},"b":2}""", $$"""{"{{written}}":{"a":1},"{{written}}":[{"a":1}],"\u0062":2}"""])
        {
            var context = Parse(json);

            Assert.Equal("2", Seen(context, "b"));
            Assert.Equal("", Seen(context, "\ufffd"));
            Assert.Equal("", Seen(context, ""));
            Assert.Equal("", Seen(context, "a"));
            Assert.Equal("", Seen(context, written));
            Assert.True(Decide(context, """{"path":"context.b","eq":2}""").Allowed);
        }
    }

    [Fact]
    public void A_name_with_bytes_that_are_no_text_is_nobodys()
    {
        var context = DecisionContext.Parse([.. "{\"\\u0061"u8, 0xFF, .. "\":1,\"b"u8, 0xFF, .. "\":2,\"c\":3}"u8]);

        Assert.Equal("", Seen(context, "a\ufffd"));
        Assert.Equal("", Seen(context, "b\ufffd"));
        Assert.Equal("3", Seen(context, "c"));
    }

    [Fact]
    public void A_text_with_half_a_surrogate_pair_is_an_error_where_a_rule_reads_it()
    {
        var context = Parse($$"""{"a":"\ud800","b":"x","c":"","d":"{{new string('x', 100)}}","l":["y","\ud800"],"n":1}""");

        Assert.True(Decide(context, """{"path":"context.b","eq":"x"}""").Allowed);
        Assert.True(Decide(context, """{"path":"context.a","exists":true}""").Allowed);
        Assert.True(Decide(context, """{"path":"context.a","ne":{"path":"context.n"}}""").Allowed);
        Assert.True(Decide(context, """{"path":"context.l","contains":"y"}""").Allowed);
        foreach (var match in (string[])
        [
            """{"path":"context.a","eq":"x"}""", """{"path":"context.a","eq":{"path":"context.a"}}""", """{"path":"context.l","contains":"z"}""",
            .. "bcd".SelectMany(c => (string[])[$$$"""{"path":"context.{{{c}}}","ne":{"path":"context.a"}}""", $$$"""{"path":"context.a","eq":{"path":"context.{{{c}}}"}}"""]),
        ])
        {
            Assert.True(Decide(context, match).IsError, match);
        }
    }

    [Fact]
    public void Names_of_every_length_are_told_from_their_neighbours()
    {
        var names = new List<string> { "" };
        foreach (var length in (int[])[1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 25, 100])
        {
            // All alike but for one byte, wherever it is; the same for those that share both ends, and with them the key.
            names.AddRange(Enumerable.Range(0, length).Select(at => new string('a', at) + "b" + new string('a', length - at - 1)));
            names.Add(new string('a', length));
            names.Add(new string('a', length - 1) + "\0");
        }

        Assert.Equal(names.Count, names.Distinct().Count());
        foreach (var written in (Func<string, string>[])[Written, Escaped])
        {
            var context = Parse("{" + string.Join(',', names.Select((name, i) => $"\"{written(name)}\":{i}")) + ",\"o\":{}}");
            for (var i = 0; i < names.Count; i++)
            {
                Assert.Equal($"{i}", Seen(context, names[i]));
                Assert.Equal("", Seen(context, "o", names[i]));
                Assert.Equal("", Seen(context, names[i] + "c"));
            }
        }

        static string Escaped(string name) => string.Concat(name.Select(c => $"\\u{(int)c:x4}"));
    }

    [Fact]
    public void Of_members_with_one_name_the_last_counts()
    {
        Assert.Equal("3", Seen(Parse("""{"a":1,"b":2,"a":3}"""), "a"));
        Assert.Equal("3", Seen(Parse("""{"a":1,"b":2,"\u0061":3}"""), "a"));
        Assert.Equal("3", Seen(Parse("""{"\u0061":1,"b":2,"a":3}"""), "a"));
        Assert.Equal("null", Seen(Parse("""{"a":{"b":1},"a":null}"""), "a"));
        Assert.Equal("", Seen(Parse("""{"a":{"b":1},"a":{"c":2}}"""), "a", "b"));
        Assert.Equal("", Seen(Parse("""{"a":{"b":1},"a":5}"""), "a", "b"));
        Assert.Equal("", Seen(Parse("""{"a":{"b":{"c":1}},"a":{"b":{}}}"""), "a", "b", "c"));
        Assert.Equal("4", Seen(Parse("""{"a":[{"b":1,"b":2}],"a":[{"b":3,"b":4}]}"""), "a", 0, "b"));
        Assert.Equal("2", Seen(Parse("""{"a name of more than sixteen bytes":1,"a name of more than sixteen bytes":2,"a name of quite a few sixteen bytes":3}"""), "a name of more than sixteen bytes"));
        var many = Parse("{" + string.Join(',', Enumerable.Range(0, 1_000).Select(i => $"\"n{i % 10}\":{i}")) + "}");
        Assert.Equal("993", Seen(many, "n3"));
    }

    [Fact]
    public void A_context_within_other_json_is_written_and_read_as_it_is()
    {
        var context = DecisionContext.Parse("""{"a":[1.50,"x"]}"""u8);

        var written = JsonSerializer.Serialize(new Holder(context, null));
        var read = JsonSerializer.Deserialize<Holder>(written)!;

        Assert.Equal("""{"Context":{"a":[1.50,"x"]},"Other":null}""", written);
        Assert.Equal(context.Utf8, read.Context!.Utf8);
        Assert.Null(read.Other);
        Assert.Equal("""{"Context":{},"Other":null}""", JsonSerializer.Serialize(new Holder(DecisionContext.Empty, null)));
    }

    [Fact]
    public void A_context_that_cannot_be_read_is_written_as_null()
    {
        var document = JsonDocument.Parse("{}");
        document.Dispose();

        Assert.Equal("""{"Context":null,"Other":null}""", JsonSerializer.Serialize(new Holder(document.RootElement, null)));
    }

    private sealed record Holder(DecisionContext? Context, DecisionContext? Other);

    [Fact]
    public void List_positions_lead_to_members_of_lists_alone()
    {
        var context = Parse("""{"l":[10,[20,[21,22],{}],{"l":[30]},[],"5"],"o":{"0":1},"t":"text","e":[],"n":null,"after":[40]}""");

        Assert.Equal("10", Seen(context, "l", 0));
        Assert.Equal("[20,[21,22],{}]", Seen(context, "l", 1));
        Assert.Equal("[21,22]", Seen(context, "l", 1, 1));
        Assert.Equal("22", Seen(context, "l", 1, 1, 1));
        Assert.Equal("", Seen(context, "l", 1, 1, 2));
        Assert.Equal("{}", Seen(context, "l", 1, 2));
        Assert.Equal("", Seen(context, "l", 1, 2, 0));
        Assert.Equal("", Seen(context, "l", 1, 3));
        Assert.Equal("30", Seen(context, "l", 2, "l", 0));
        Assert.Equal("", Seen(context, "l", 2, 0));
        Assert.Equal("[]", Seen(context, "l", 3));
        Assert.Equal("", Seen(context, "l", 3, 0));
        Assert.Equal("\"5\"", Seen(context, "l", 4));
        Assert.Equal("", Seen(context, "l", 4, 0));
        Assert.Equal("", Seen(context, "l", 5));
        Assert.Equal("", Seen(context, "l", 99999));
        Assert.Equal("", Seen(context, "l", "0"));
        Assert.Equal("", Seen(context, "o", 0));
        Assert.Equal("1", Seen(context, "o", "0"));
        Assert.Equal("", Seen(context, "t", 0));
        Assert.Equal("", Seen(context, "e", 0));
        Assert.Equal("", Seen(context, "n", 0));
        Assert.Equal("", Seen(context, 0));
        Assert.Equal("40", Seen(context, "after", 0));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("false")]
    [InlineData("\"\"")]
    [InlineData("\"text\"")]
    [InlineData("\"with \\\"escapes\\u0041\\\\\"")]
    [InlineData("0")]
    [InlineData("-0")]
    [InlineData("-1.50")]
    [InlineData("1E+2")]
    [InlineData("1e400")]
    [InlineData("123456789012345678901234567890.10")]
    [InlineData("[]")]
    [InlineData("[ 1 , { \"a\" : [ ] } ]")]
    [InlineData("{}")]
    [InlineData("{ \"a\" : [ 1 , { } ] }")]
    public void Every_value_is_seen_as_it_was_written(string written)
    {
        foreach (var context in Both($$"""{"before":[{}],"v" : {{written}} ,"l":[ {{written}} , {{written}}],"after":1}"""))
        {
            Assert.Equal(written, Seen(context, "v"));
            Assert.Equal(written, Seen(context, "l", 0));
            Assert.Equal(written, Seen(context, "l", 1));
            Assert.Equal("1", Seen(context, "after"));
            Assert.True(Decide(context, """{"path":"context.v","eq":{"path":"context.l[1]"}}""").Allowed);
            Assert.True(Decide(context, """{"path":"context.l[*]","eq":{"path":"context.v"}}""").Allowed);
        }
    }

    [Theory]
    [InlineData("""{"a":"\u0078","b":["y","x"]}""", true)]
    [InlineData("""{"a":"\u0078","b":["y","\u0078\u0078","z"]}""", false)]
    [InlineData("""{"a":1.0,"b":[2,"1",1]}""", true)]
    [InlineData("""{"a":[1.0,"\u0078"],"b":[[1],[1,"y"],[1,"x"]]}""", true)]
    [InlineData("""{"a":{"x":1,"y":2},"b":[{"x":1},{"y":2,"x":1.0}]}""", true)]
    [InlineData("""{"a":{"x":1,"y":2},"b":[{"x":1},{"y":2,"x":1.5}]}""", false)]
    [InlineData("""{"a":null,"b":[]}""", false)]
    [InlineData("""{"b":[null]}""", false)]
    public void Each_member_of_a_list_is_compared_with_the_same_place(string context, bool expected)
    {
        Assert.Equal(expected, Decide(Parse(context), """{"path":"context.b[*]","eq":{"path":"context.a"}}""").Allowed);
        Assert.Equal(expected, Decide(Parse(context), """{"all":[{"path":"context.b[*]","ne":{"path":"context.missing"},"eq":{"path":"context.a"}}]}""").Allowed);
    }

    private static DecisionContext[] Both(string json) => [Parse(json), JsonElement.Parse(json)];

    private static string Written(string name) => JsonEncodedText.Encode(name).ToString();
}
