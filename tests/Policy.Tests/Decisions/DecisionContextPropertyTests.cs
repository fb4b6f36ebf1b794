using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class DecisionContextPropertyTests
{
    private const int PathsEach = 4;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    [Fact]
    public void At_every_place_a_rule_sees_what_the_parsed_document_has_there()
    {
        var (there, absent, many) = (0, 0, 0);
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var isLenient = seed % 4 == 0;
            var json = new RandomRequest(random).Context(isLenient);
            using var document = JsonDocument.Parse(json, Lenient);
            DecisionContext[] contexts = isLenient ? [document.RootElement] : [document.RootElement, DecisionContext.Parse(Encoding.UTF8.GetBytes(json))];
            for (var i = 0; i < PathsEach; i++)
            {
                var path = Path(random, document.RootElement);
                var expected = PlainDecision.Values(path, document.RootElement).ToArray();
                try
                {
                    foreach (var context in contexts)
                    {
                        Check(path, expected, context, document.RootElement);
                    }
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}: {path}\n{json}\n{e.Message}", e);
                }

                _ = path.Contains("[*]", StringComparison.Ordinal) ? many++ : expected[0].ValueKind == JsonValueKind.Undefined ? absent++ : there++;
            }
        }

        Assert.True(Math.Min(there, Math.Min(absent, many)) > 500, $"{there} {absent} {many}");
    }

    private static void Check(string path, JsonElement[] expected, DecisionContext context, JsonElement root)
    {
        var written = JsonSerializer.SerializeToElement(path);
        if (new PathTable().TryParse(written) is { IsSinglePlace: true, Place: { } place })
        {
            var evaluation = new Evaluation("x", context, default);
            evaluation.Find(place, out var value);
            var only = Assert.Single(expected);
            Assert.Equal(only.ValueKind, value.Kind);
            Assert.Equal(only.ValueKind == JsonValueKind.Undefined ? "" : only.GetRawText(), Encoding.UTF8.GetString(value.Raw));
        }

        // Numbers that are no doubles are in no rule; and lists equal lists as a whole.
        var operand = expected.LastOrDefault(value => value.ValueKind is JsonValueKind.String or JsonValueKind.True or JsonValueKind.Null or JsonValueKind.Array);
        var eq = operand.ValueKind == JsonValueKind.Undefined ? "7" : JsonSerializer.Serialize(operand);
        if (!TryCompile($$$"""[{"id":"eq","match":{"path":{{{written.GetRawText()}}},"eq":{{{eq}}}}},{{{Exists("true")}}},{{{Exists("false")}}}]""", out var list, out var rules)
            && !TryCompile($"[{Exists("true")},{Exists("false")}]", out list, out rules))
        {
            Assert.Fail(list);
        }

        var plain = PlainDecision.Decide(JsonElement.Parse(list), root);
        var decision = rules.Decide(new DecisionRequest("x", context, DateTimeOffset.UnixEpoch));
        Assert.Equal((plain?.RuleId, plain?.IsError ?? false), (decision.RuleId, decision.IsError));

        string Exists(string wanted) => $$$"""{"id":"exists {{{wanted}}}","match":{"path":{{{written.GetRawText()}}},"exists":{{{wanted}}}}}""";
    }

    // Mostly to what is there; now and then past it.
    private static string Path(Random random, JsonElement at)
    {
        var path = new StringBuilder("context");
        while (at.ValueKind is JsonValueKind.Object or JsonValueKind.Array && (path.Length < 10 || random.Next(5) > 0))
        {
            at = at.ValueKind == JsonValueKind.Object ? Member(random, at, path) : Element(random, at, path);
        }

        for (var more = random.Next(12); more > 9; more--)
        {
            path.Append(random.Next(3) switch { 0 => "[0]", 1 => "[*]", _ => $"[\"{RandomRequest.Names[random.Next(RandomRequest.Names.Length)]}\"]" });
        }

        return path.ToString();
    }

    private static JsonElement Member(Random random, JsonElement owner, StringBuilder path)
    {
        var names = random.Next(6) > 0 ? [.. owner.EnumerateObject().Select(member => member.Name)] : RandomRequest.Names;
        var name = names.Length == 0 ? "a" : names[random.Next(names.Length)];
        path.Append(random.Next(2) == 0 && name.All(char.IsAsciiLetter) ? "." + name : $"[\"{name}\"]");
        return owner.TryGetProperty(name, out var value) ? value : default;
    }

    private static JsonElement Element(Random random, JsonElement list, StringBuilder path)
    {
        var index = random.Next(list.GetArrayLength() + 1);
        path.Append(random.Next(3) == 0 ? "[*]" : $"[{index}]");
        return index < list.GetArrayLength() ? list[index] : default;
    }

    private static bool TryCompile(string list, out string compiled, out RuleSet rules)
    {
        compiled = list;
        var bundle = BundleReader.Read(SomeBundle.OfRules(list.Replace("\"match\"", "\"effect\":\"allow\",\"match\"", StringComparison.Ordinal)), BundleReadOptions.ForTrial);
        rules = bundle.Succeeded ? RuleSet.Compile(bundle.Value).Value! : null!;
        return bundle.Succeeded;
    }
}
