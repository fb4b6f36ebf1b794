using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class CanonicalJsonTests
{
    [Fact]
    public void The_example_of_RFC_8785_section_3_2_2_comes_out_as_printed_there()
    {
        const string input = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """;

        Assert.Equal(
            """{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""",
            Canonical(input));
    }

    [Fact]
    public void Names_are_sorted_by_UTF_16_units_as_in_RFC_8785_section_3_2_3()
    {
        const string input = """
            {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
             "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
            """;

        Assert.Equal(
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\","
            + "\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
            Canonical(input));
    }

    [Theory]
    [InlineData("{}", "{}")]
    [InlineData(" [ ] ", "[]")]
    [InlineData("""{"b":1,"a":{"d":[1,{"z":0,"y":0}],"c":2}}""", """{"a":{"c":2,"d":[1,{"y":0,"z":0}]},"b":1}""")]
    [InlineData("""{"aa":1,"a":2,"":3}""", """{"":3,"a":2,"aa":1}""")]
    [InlineData("""{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}""",
        """{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}""")]
    [InlineData("\"\\u007f\\u2028\\b\\t\\n\\f\\r\\u0000\\u001f\"", "\"\u007f\u2028\\b\\t\\n\\f\\r\\u0000\\u001f\"")]
    [InlineData("\"a\\nb\"", "\"a\\nb\"")]
    [InlineData("null", "null")]
    [InlineData(" true ", "true")]
    public void Structure_and_escapes_are_canonical(string input, string expected) => Assert.Equal(expected, Canonical(input));

    [Theory]
    [InlineData("""{"a":1,"a":1}""", "json.duplicate_key", "$.a")]
    [InlineData("""{"x":[0,{"a":1,"b":2,"\u0061":3}]}""", "json.duplicate_key", "$.x[1].a")]
    [InlineData("""{"😀":1,"\ud83d\uDE00":3}""", "json.duplicate_key", "$[\"😀\"]")]
    [InlineData("""["\ud800"]""", "json.surrogate", "$[0]")]
    [InlineData("""["\udc00\ud800"]""", "json.surrogate", "$[0]")]
    [InlineData("""{"a b":{"\ud800":1}}""", "json.surrogate", "$[\"a b\"]")]
    [InlineData("""{"a":[1,1e400]}""", "json.number", "$.a[1]")]
    [InlineData("-1e309", "json.number", "$")]
    [InlineData("", "json.malformed", "$")]
    [InlineData("{", "json.malformed", "$")]
    [InlineData("{} {}", "json.malformed", "$")]
    [InlineData("[1,]", "json.malformed", "$")]
    [InlineData("{'a':1}", "json.malformed", "$")]
    [InlineData("01", "json.malformed", "$")]
    [InlineData("NaN", "json.malformed", "$")]
    [InlineData("[1] // no", "json.malformed", "$")]
    [InlineData("\"a\nb\"", "json.malformed", "$")]
    [InlineData("\ufeff{}", "json.malformed", "$")]
    public void What_has_no_canonical_form_is_refused_with_its_place(string input, string code, string path)
    {
        var outcome = CanonicalJson.TryCanonicalize(Encoding.UTF8.GetBytes(input));

        var problem = Assert.Single(outcome.Problems);
        Assert.Equal((code, path), (problem.Code, problem.Path));
        Assert.StartsWith(code, Assert.Throws<FormatException>(() => CanonicalJson.Canonicalize(Encoding.UTF8.GetBytes(input))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_UTF_8_are_refused() =>
        Assert.Equal("json.malformed", CanonicalJson.TryCanonicalize(new byte[] { (byte)'"', 0xC3, (byte)'"' }).Problems[0].Code);

    [Fact]
    public void Sixty_four_levels_are_taken_and_one_more_is_not()
    {
        var deepest = new string('[', BundleLimits.DepthMax) + new string(']', BundleLimits.DepthMax);

        Assert.Equal(deepest, Canonical(deepest));
        Assert.Equal("json.depth", CanonicalJson.TryCanonicalize(Encoding.UTF8.GetBytes($"[{deepest}]")).Problems[0].Code);
        Assert.Equal("json.depth", CanonicalJson.TryCanonicalize(Encoding.UTF8.GetBytes($"{{\"a\":{deepest}}}")).Problems[0].Code);
        Assert.Equal("json.depth", CanonicalJson.TryCanonicalize(Encoding.UTF8.GetBytes(new string('[', 1_000_000))).Problems[0].Code);
    }

    [Fact]
    public void A_member_can_be_left_out_at_the_top_and_only_there()
    {
        var options = new CanonicalOptions { OmitMember = "s" };

        Assert.Equal("""{"a":{"s":2},"z":1}""", Canonical("""{"z":1,"s":[1],"a":{"s":2}}""", options));
        Assert.Equal("""{"a":1,"z":1}""", Canonical("""{"a":1,"s":[1],"z":1}""", options));
        Assert.Equal("{}", Canonical("""{"s":[1]}""", options));
        Assert.Equal("""{"z":1}""", Canonical("""{"z":1,"s":3}""", options));
        Assert.Equal("json.duplicate_key", CanonicalJson.TryCanonicalize("""{"s":1,"s":2}"""u8.ToArray(), options).Problems[0].Code);
        Assert.Equal("json.number", CanonicalJson.TryCanonicalize("""{"s":1e999}"""u8.ToArray(), options).Problems[0].Code);
    }

    [Fact]
    public void The_hash_is_lower_case_hex_SHA_256() => Assert.Equal(
        "cd36c2304f25be8bf976e83b14aacc918fdba619bfdb88195e3c14f48cd54ce6",
        CanonicalJson.Hash(CanonicalJson.Canonicalize("""{"b":2,"a":1,"c":[3,2,1]}"""u8)));

    internal static string Canonical(string json, CanonicalOptions? options = null)
    {
        var outcome = CanonicalJson.TryCanonicalize(Encoding.UTF8.GetBytes(json), options);
        Assert.True(outcome.Succeeded, outcome.Succeeded ? "" : outcome.Problems[0].ToString());
        return Encoding.UTF8.GetString(outcome.Value);
    }
}
