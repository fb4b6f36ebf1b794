using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class DocumentSchemaTests
{
    private static readonly JsonElement Titan = JsonElement.Parse(Repository.Read("tests/Policy.Tests/Vectors/titan.json"));

    [Theory]
    [InlineData("true", "1", true)]
    [InlineData("false", "1", false)]
    [InlineData("{}", "[]", true)]
    [InlineData("""{"type":"object"}""", "{}", true)]
    [InlineData("""{"type":"object"}""", "[]", false)]
    [InlineData("""{"type":"array"}""", "[]", true)]
    [InlineData("""{"type":"string"}""", "\"\"", true)]
    [InlineData("""{"type":"boolean"}""", "false", true)]
    [InlineData("""{"type":"boolean"}""", "0", false)]
    [InlineData("""{"type":"null"}""", "null", true)]
    [InlineData("""{"type":"null"}""", "false", false)]
    [InlineData("""{"type":"number"}""", "1.5", true)]
    [InlineData("""{"type":"integer"}""", "1.0", true)]
    [InlineData("""{"type":"integer"}""", "1.5", false)]
    [InlineData("""{"type":["string","null"]}""", "null", true)]
    [InlineData("""{"type":["string","null"]}""", "1", false)]
    [InlineData("""{"enum":[1,"a",{"b":[]}]}""", """{"b":[]}""", true)]
    [InlineData("""{"enum":[1,"a"]}""", "1.0", true)]
    [InlineData("""{"enum":[1,"a"]}""", "2", false)]
    [InlineData("""{"const":null}""", "null", true)]
    [InlineData("""{"const":1}""", "true", false)]
    [InlineData("""{"minimum":1,"maximum":2}""", "1", true)]
    [InlineData("""{"minimum":1}""", "0.99", false)]
    [InlineData("""{"maximum":2}""", "2.01", false)]
    [InlineData("""{"exclusiveMinimum":1}""", "1", false)]
    [InlineData("""{"exclusiveMinimum":1}""", "1.01", true)]
    [InlineData("""{"exclusiveMaximum":2}""", "2", false)]
    [InlineData("""{"minimum":1}""", "\"text\"", true)]
    [InlineData("""{"minLength":2,"maxLength":2}""", "\"😀é\"", true)]
    [InlineData("""{"minLength":2}""", "\"😀\"", false)]
    [InlineData("""{"maxLength":1}""", "\"ab\"", false)]
    [InlineData("""{"pattern":"^a+$"}""", "\"aaa\"", true)]
    [InlineData("""{"pattern":"^a+$"}""", "\"b\"", false)]
    [InlineData("""{"minItems":1,"maxItems":2}""", "[1]", true)]
    [InlineData("""{"minItems":1}""", "[]", false)]
    [InlineData("""{"maxItems":2}""", "[1,2,3]", false)]
    [InlineData("""{"uniqueItems":true}""", "[1,2,\"1\"]", true)]
    [InlineData("""{"uniqueItems":true}""", "[{\"a\":1,\"b\":2},{\"b\":2.0,\"a\":1}]", false)]
    [InlineData("""{"uniqueItems":false}""", "[1,1]", true)]
    [InlineData("""{"items":{"type":"string"}}""", "[\"a\",\"b\"]", true)]
    [InlineData("""{"items":{"type":"string"}}""", "[\"a\",1]", false)]
    [InlineData("""{"items":false}""", "[]", true)]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"a":"x","b":1}""", true)]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"a":1}""", false)]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"a":1}""", true)]
    [InlineData("""{"properties":{"a":true},"additionalProperties":false}""", """{"b":1}""", false)]
    [InlineData("""{"additionalProperties":{"type":"number"}}""", """{"b":"1"}""", false)]
    [InlineData("""{"required":["a"]}""", """{"a":null}""", true)]
    [InlineData("""{"required":["a"]}""", """{}""", false)]
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":2}]}""", "3", false)]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":5}]}""", "5", true)]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":5}]}""", "4", false)]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":2}]}""", "0", true)]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":2}]}""", "1.5", false)]
    [InlineData("""{"not":{"type":"string"}}""", "1", true)]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"", false)]
    [InlineData("""{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}""", "\"a\"", true)]
    [InlineData("""{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}""", "1", false)]
    [InlineData("""{"$ref":"#/$defs/a","minimum":5,"$defs":{"a":{"maximum":9}}}""", "4", false)]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}""", """{"next":{"next":{"x":1}}}""", false)]
    [InlineData("""{"$schema":"s","$id":"i","$comment":"c","title":"t","description":"d","default":1,"examples":[],"deprecated":true,"readOnly":true,"writeOnly":true}""", "1", true)]
    public void A_document_satisfies_its_schema_or_not(string schema, string document, bool isValid) =>
        Assert.Equal(isValid, DocumentSchema.Compile(JsonElement.Parse(schema)).Value!.Validate(JsonElement.Parse(document)).IsEmpty);

    [Theory]
    [InlineData("1", "bundle.schema $.schema")]
    [InlineData("""{"format":"email","$defs":{"a":{"if":true}}}""", "bundle.schema_unsupported $.schema.format, bundle.schema_unsupported $.schema[\"$defs\"].a.if")]
    [InlineData("""{"items":{"$id":"x"}}""", "bundle.schema_unsupported $.schema.items[\"$id\"]")]
    [InlineData("""{"items":{"$defs":{}}}""", "bundle.schema_unsupported $.schema.items[\"$defs\"]")]
    [InlineData("""{"$defs":[]}""", "bundle.schema $.schema[\"$defs\"]")]
    [InlineData("""{"type":"text"}""", "bundle.schema $.schema.type")]
    [InlineData("""{"type":1}""", "bundle.schema $.schema.type")]
    [InlineData("""{"enum":1}""", "bundle.schema $.schema.enum")]
    [InlineData("""{"properties":1}""", "bundle.schema $.schema.properties")]
    [InlineData("""{"required":[1]}""", "bundle.schema $.schema.required")]
    [InlineData("""{"properties":{"a b":{"items":{"anyOf":[true,{"maxItems":"1"}]}}}}""", "bundle.schema $.schema.properties[\"a b\"].items.anyOf[1].maxItems")]
    [InlineData("""{"items":[{}]}""", "bundle.schema $.schema.items")]
    [InlineData("""{"minimum":"1"}""", "bundle.schema $.schema.minimum")]
    [InlineData("""{"minItems":-1}""", "bundle.schema $.schema.minItems")]
    [InlineData("""{"minLength":1.5}""", "bundle.schema $.schema.minLength")]
    [InlineData("""{"maxLength":"1"}""", "bundle.schema $.schema.maxLength")]
    [InlineData("""{"pattern":"(?=a)"}""", "bundle.schema $.schema.pattern")]
    [InlineData("""{"pattern":1}""", "bundle.schema $.schema.pattern")]
    [InlineData("""{"anyOf":[]}""", "bundle.schema $.schema.anyOf")]
    [InlineData("""{"allOf":{}}""", "bundle.schema $.schema.allOf")]
    [InlineData("""{"$ref":"other.json"}""", "bundle.schema_ref $.schema[\"$ref\"]")]
    [InlineData("""{"$ref":1}""", "bundle.schema_ref $.schema[\"$ref\"]")]
    [InlineData("""{"$ref":"#"}""", "bundle.schema_ref $.schema[\"$ref\"]")]
    [InlineData("""{"anyOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"not":{"$ref":"#/$defs/a"}}}}""", "bundle.schema_ref $.schema[\"$defs\"].a.not[\"$ref\"]")]
    [InlineData("""{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"oneOf":[{"$ref":"#/$defs/c"}]},"c":{"$ref":"#/$defs/a"}}}""", "bundle.schema_ref $.schema[\"$defs\"].c[\"$ref\"]")]
    [InlineData("""{"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"not":{"$ref":"#/$defs/a"}}]}}}""", "bundle.schema_ref $.schema[\"$defs\"].a.allOf[0][\"$ref\"], bundle.schema_ref $.schema[\"$defs\"].a.allOf[1].not[\"$ref\"]")]
    public void A_schema_that_would_not_be_understood_is_refused(string schema, string problems) => Assert.Equal(
        problems,
        string.Join(", ", DocumentSchema.Compile(JsonElement.Parse(schema)).Problems.Select(p => $"{p.Code} {p.Path}")));

    [Fact]
    public void Everything_wrong_in_a_document_is_told_with_its_place()
    {
        var schema = DocumentSchema.Compile(JsonElement.Parse("""{"required":["x y"],"properties":{"a":{"items":{"type":"integer","minimum":0}}}}""")).Value!;

        Assert.Equal(
            ["$.document[\"x y\"]", "$.document.a[1]", "$.document.a[2]", "$.document.a[2]"],
            schema.Validate(JsonElement.Parse("""{"a":[1,-1,-0.5]}""")).Select(p => p.Path));
    }

    [Fact]
    public void A_schema_that_multiplies_itself_costs_a_bounded_number_of_steps()
    {
        var definitions = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""
            "d{{i}}":{"allOf":[{"$ref":"#/$defs/d{{i + 1}}"},{"$ref":"#/$defs/d{{i + 1}}"}]}
            """));
        var schema = DocumentSchema.Compile(JsonElement.Parse("{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + definitions + ",\"d40\":{}}}")).Value!;

        Assert.Equal("bundle.schema_cost", schema.Validate(JsonElement.Parse("1")).Last().Code);
    }

    [Theory]
    [InlineData("""{"allOf":[""", "]}")]
    [InlineData("""{"anyOf":[""", "]}")]
    [InlineData("""{"oneOf":[""", "]}")]
    [InlineData("""{"not":""", "}")]
    public void A_schema_that_leads_through_itself_far_too_deep_is_given_up(string open, string close)
    {
        const int Nested = 28;
        string Within(string inner) => string.Concat(Enumerable.Repeat(open, Nested)) + inner + string.Concat(Enumerable.Repeat(close, Nested));
        var definitions = Enumerable.Range(0, 5_000).Select(i => $"\"d{i}\":" + Within($$"""{"$ref":"#/$defs/d{{i + 1}}"}"""));
        var schema = DocumentSchema.Compile(JsonElement.Parse("{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + string.Join(',', definitions) + ",\"d5000\":{}}}")).Value!;

        // That it comes back is the test: more than that deep, the stack ends, and the process with it.
        Assert.Equal("bundle.schema_cost", schema.Validate(JsonElement.Parse("1")).Last().Code);
    }

    [Theory]
    [InlineData(DocumentSchema.DepthMax - 1, "bundle.document.schema")]
    [InlineData(DocumentSchema.DepthMax, "bundle.schema_cost")]
    public void A_schema_leads_through_only_so_many_others(int others, string code)
    {
        var definitions = Enumerable.Range(1, others - 1).Select(i => $$"""
            "d{{i}}":{"$ref":"#/$defs/d{{i + 1}}"}
            """);
        var schema = DocumentSchema.Compile(JsonElement.Parse(
            "{\"$ref\":\"#/$defs/d1\",\"$defs\":{" + string.Join(',', definitions) + $",\"d{others}\":{{\"type\":\"string\"}}}}}}")).Value!;

        Assert.Equal(code, Assert.Single(schema.Validate(JsonElement.Parse("1"))).Code);
    }

    [Fact]
    public async Task A_long_chain_of_references_is_read_in_one_walk()
    {
        const int Count = 100_000;
        var definitions = string.Join(',', Enumerable.Range(0, Count).Select(i => $$"""
            "d{{i}}":{"$ref":"#/$defs/d{{i + 1}}"}
            """));
        var schema = JsonElement.Parse("{\"$defs\":{" + definitions + $",\"d{Count}\":{{\"$ref\":\"#/$defs/d0\"}}}}}}");

        // Once around for each reference would take minutes.
        var compiled = await Task.Run(() => DocumentSchema.Compile(schema), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        Assert.Equal($"$.schema[\"$defs\"].d{Count}[\"$ref\"]", Assert.Single(compiled.Problems).Path);
    }

    [Theory]
    [InlineData("""{"allOf":[{},{},{},{},{}]}""", true)]
    [InlineData("""{"required":["a","b"]}""", true)]
    [InlineData("""{"allOf":[MANY{}]}""", false)]
    [InlineData("""{"required":[MANY"a"]}""", false)]
    [InlineData("""{"enum":[MANY1]}""", false)]
    public void To_look_through_a_long_value_again_and_again_counts(string schema, bool isCheap)
    {
        const int Length = 250_000, Times = 10_000;
        var repeated = schema.IndexOf("MANY", StringComparison.Ordinal) is >= 0 and var at ? string.Concat(Enumerable.Repeat(schema[(at + 4)..^2] + ",", Times)) : "";
        var document = JsonElement.Parse($$"""{"a":1,"b":"{{new string('x', Length)}}"}""");

        var problems = DocumentSchema.Compile(JsonElement.Parse(schema.Replace("MANY", repeated, StringComparison.Ordinal))).Value!.Validate(document);

        Assert.Equal(isCheap ? null : "bundle.schema_cost", problems.LastOrDefault()?.Code);
    }

    [Fact]
    public void What_is_told_of_long_names_and_many_values_is_cut_short()
    {
        var (name, value) = (new string('n', 100_000), new string('v', 100_000));
        var schema = DocumentSchema.Compile(JsonElement.Parse($$$"""{"additionalProperties":{"enum":[1,"{{{value}}}"]}}""")).Value!;

        var problem = Assert.Single(schema.Validate(JsonElement.Parse($$"""{"{{name}}":2}""")));

        Assert.StartsWith("$.document[\"nnn", problem.Path, StringComparison.Ordinal);
        Assert.EndsWith("n…\"]", problem.Path, StringComparison.Ordinal);
        Assert.StartsWith("This must be one of 1, \"vvv", problem.Message, StringComparison.Ordinal);
        Assert.True(problem.Path.Length + problem.Message.Length < 2_000, $"{problem.Path.Length} and {problem.Message.Length} characters");
        Assert.Equal("bundle.schema", DocumentSchema.Compile(JsonElement.Parse($$"""{"required":["{{name}}"]}""")).Problems.Single().Code);
    }

    [Fact]
    public void The_risk_policies_of_the_trading_systems_own_tests_are_told_apart_as_there()
    {
        var example = JsonElement.Parse(Repository.Read("examples/risk-policy/policy.json"));
        var schema = DocumentSchema.Compile(example.GetProperty("schema")).Value!;

        foreach (var given in Titan.GetProperty("risk_policies").EnumerateArray())
        {
            Assert.True(
                given.GetProperty("expected").GetBoolean() == schema.Validate(given.GetProperty("policy")).IsEmpty, given.GetProperty("id").GetString());
        }
    }

    [Fact]
    public void The_canonical_form_of_the_trading_systems_test_is_ours()
    {
        foreach (var given in Titan.GetProperty("canonical").EnumerateArray())
        {
            var canonical = CanonicalJsonTests.Canonical(given.GetProperty("json").GetString()!);
            Assert.Equal(given.GetProperty("canonical").GetString(), canonical);
            Assert.Equal(given.GetProperty("sha256").GetString(), CanonicalJson.Hash(System.Text.Encoding.UTF8.GetBytes(canonical)));
        }
    }
}
