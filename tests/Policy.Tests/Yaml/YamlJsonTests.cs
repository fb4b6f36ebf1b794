using System.Globalization;
using System.Text;
using OrleansPolicy.Bundles;
using OrleansPolicy.Yaml;

namespace OrleansPolicy.Policy.Tests.Yaml;

public sealed class YamlJsonTests
{
    [Theory]
    [InlineData("a: 1", """{"a":1}""")]
    [InlineData("- 1\n- 2.50\n- .5\n- 1.\n- +7\n- -0\n- 007\n- 1e3\n- 0x1F\n- 0o17", "[1,2.50,0.5,1,7,-0,7,1e3,31,15]")]
    [InlineData("[yes, no, on, off, True, FALSE, null, ~, '', \"1\", 1_000, 12:30, 2026-01-01]", """["yes","no","on","off",true,false,null,null,"","1","1_000","12:30","2026-01-01"]""")]
    [InlineData("b: |\n  two\n  lines\na: >-\n  one\n  line", """{"b":"two\nlines\n","a":"one line"}""")]
    [InlineData("'1': x\n'true': y", """{"1":"x","true":"y"}""")]
    [InlineData("x: &a {p: 1}\ny: *a\nz: [*a, *a]", """{"x":{"p":1},"y":{"p":1},"z":[{"p":1},{"p":1}]}""")]
    [InlineData("a:", """{"a":null}""")]
    [InlineData("---\na: ü€😀\n...", "{\"a\":\"ü€😀\"}")]
    [InlineData("\"plain text\"", "\"plain text\"")]
    public void A_file_says_what_the_core_schema_says(string yaml, string json) =>
        Assert.Equal(json, Text(yaml).Replace("\\uD83D\\uDE00", "😀", StringComparison.Ordinal));

    [Theory]
    [InlineData("", "yaml.empty")]
    [InlineData("# nothing", "yaml.empty")]
    [InlineData("a: 1\na: 2", "yaml.duplicate_key")]
    [InlineData("a: 1\n'a': 2", "yaml.duplicate_key")]
    [InlineData("1: a", "yaml.key")]
    [InlineData("true: a", "yaml.key")]
    [InlineData("~: a", "yaml.key")]
    [InlineData("? [a]\n: b", "yaml.key")]
    [InlineData("a: .nan", "yaml.number")]
    [InlineData("a: -.inf", "yaml.number")]
    [InlineData("a: !!str 1", "yaml.tag")]
    [InlineData("a: !ruby/object:File {}", "yaml.tag")]
    [InlineData("a: *nowhere", "yaml.anchor")]
    [InlineData("a: &a [*a]", "yaml.anchor")]
    [InlineData("x: &x {a: 1}\ny:\n  <<: *x", "yaml.merge_key")]
    [InlineData("a: 1\n---\nb: 2", "yaml.documents")]
    [InlineData("a: [1, 2", "yaml.malformed")]
    [InlineData("a: b: c", "yaml.malformed")]
    [InlineData("a:\n\tb: 1", "yaml.malformed")]
    [InlineData("a: \"\\ud800\"", "yaml.surrogate|yaml.malformed")]
    public void What_has_no_plain_meaning_is_refused(string yaml, string codes)
    {
        var problem = Assert.Single(YamlJson.Convert(Encoding.UTF8.GetBytes(yaml)).Problems);

        Assert.Contains(problem.Code, codes.Split('|'));
        Assert.Matches("Line [0-9]+, column|no UTF-8", problem.Message);
    }

    [Fact]
    public void Anchors_that_explode_are_refused_before_they_do()
    {
        // Ten to the power of nine values in a few hundred bytes.
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var n = 1; n < 10; n++)
        {
            bomb.AppendLine(CultureInfo.InvariantCulture, $"a{n}: &a{n} [{string.Join(", ", Enumerable.Repeat($"*a{n - 1}", 10))}]");
        }

        Assert.Equal("yaml.too_many", Assert.Single(YamlJson.Convert(Encoding.UTF8.GetBytes(bomb.ToString())).Problems).Code);
    }

    [Fact]
    public void Depth_and_size_have_bounds_for_anchors_too()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 70)) + string.Concat(Enumerable.Repeat("]", 70));
        var stairs = new StringBuilder("a0: &a0 [x]\n");
        for (var n = 1; n < 80; n++)
        {
            stairs.AppendLine(CultureInfo.InvariantCulture, $"a{n}: &a{n} [*a{n - 1}]");
        }

        Assert.Equal("yaml.too_deep", YamlJson.Convert(Encoding.UTF8.GetBytes(deep)).Problems[0].Code);
        Assert.Equal("yaml.too_deep", YamlJson.Convert(Encoding.UTF8.GetBytes(stairs.ToString())).Problems[0].Code);
        Assert.Equal("yaml.too_large", YamlJson.Convert(new byte[YamlJson.BytesMax + 1]).Problems[0].Code);
        Assert.Equal("yaml.malformed", YamlJson.Convert(new byte[] { (byte)'a', 0xff }).Problems[0].Code);
        Assert.Equal("yaml.number", YamlJson.Convert(Encoding.UTF8.GetBytes("a: " + new string('1', 500))).Problems[0].Code);
    }

    [Fact]
    public void The_example_has_one_hash_on_every_machine()
    {
        var json = YamlJson.Convert(Repository.Read("examples/baseline-policy/baseline_policy.yaml")).Value!;

        Assert.Equal("no", System.Text.Json.JsonElement.Parse(json).GetProperty("allow_unknown_metrics").GetString());
        Assert.Equal(
            CanonicalJson.Hash(CanonicalJson.Canonicalize("""
            {"baseline":{"tag":"golden","window_sec":300},"thresholds":{"drift":0.2,"error_rate":0.01},
             "programs":{"pump-7":{"thresholds":{"drift":0.2,"error_rate":0.01},"actions":["alert","degrade"]},
                         "valve-2":{"thresholds":{"drift":0.5,"error_rate":0.001},"actions":["alert"]}},
             "allow_unknown_metrics":"no","enabled":true}
            """u8)),
            CanonicalJson.Hash(CanonicalJson.Canonicalize(json)));
    }

    private static string Text(string yaml)
    {
        var json = YamlJson.Convert(Encoding.UTF8.GetBytes(yaml));
        Assert.True(json.Succeeded, json.Succeeded ? "" : json.Problems[0].Message);
        return Encoding.UTF8.GetString(json.Value);
    }
}
