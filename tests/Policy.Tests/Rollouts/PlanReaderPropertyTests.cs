using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

public sealed class PlanReaderPropertyTests
{
    [Fact]
    public void Any_json_gets_an_answer() => Prop.ForAll(Documents.ToArbitrary(), text =>
    {
        using var document = JsonDocument.Parse(text);
        var reading = PlanReader.Read(document.RootElement, new PlanContext { ForStart = true, Critical = true, Census = [] });
        Assert.Equal(reading.Plan is null, reading.Errors.Length > 0);
        JsonSerializer.Serialize(reading, PolicyJson.Options);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    // The valid plan with any of its values, at any depth, replaced by any other JSON.
    private static Gen<string> Documents =>
        from at in Gen.Choose(0, 40)
        from value in Gen.Elements(
            "null", "true", "0", "-1", "1e999", "1e-999", "5", "99.99999999999999999999999999", "\"\"", "\"x\"", "\"\\ud800\"", "[]", "{}",
            "[[]]", "[null]", "{\"stage_id\":null}", "[{},{}]", "[{\"target_percentage\":5},{\"target_percentage\":\"x\"}]", "{\"per_domain\":1}")
        from other in Gen.Choose(0, 40)
        select Replace(Replace(PlanReaderTests.Valid, at, value), other, value);

    private static string Replace(string json, int at, string value)
    {
        var starts = new List<(int Start, int End)>();
        for (var i = 0; i < json.Length; i++)
        {
            var end = json[i] == ':' ? json.IndexOfAny([',', '}', '\n'], i) : -1;
            if (end > i)
            {
                starts.Add((i + 1, end));
            }
        }

        var (start, stop) = starts[at % starts.Count];
        var replaced = json[..start] + value + json[stop..];
        try
        {
            using var _ = JsonDocument.Parse(replaced);
            return replaced;
        }
        catch (JsonException)
        {
            return json;
        }
    }
}
