using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>Looks into contexts as rules do.</summary>
internal static class ContextProbe
{
    /// <summary>What is at a path, as it was written; empty where there is nothing.</summary>
    public static string At(DecisionContext? context, string path)
    {
        using var text = JsonDocument.Parse(JsonSerializer.Serialize(path));
        return Seen(context, new PathTable().TryParse(text.RootElement)!.Place!);
    }

    /// <summary>The same at the end of these names and list positions.</summary>
    public static string Seen(DecisionContext? context, params object[] steps)
    {
        var place = InputPath.Context();
        foreach (var step in steps)
        {
            place = step is int index ? InputPath.Element(place, "", index) : InputPath.Member(place, "", (string)step);
        }

        return Seen(context, place);
    }

    public static DecisionContext Parse(string json) => DecisionContext.Parse(Encoding.UTF8.GetBytes(json));

    /// <summary>What a rule decides that allows where this holds.</summary>
    public static Decision Decide(DecisionContext? context, string match) =>
        Compile(match).Decide(new DecisionRequest("x", context, default));

    public static RuleSet Compile(string match)
    {
        var bundle = BundleReader.Read(SomeBundle.OfRules($$"""[{"id":"a","effect":"allow","match":{{match}}}]"""), BundleReadOptions.ForTrial);
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems) + match);
        return RuleSet.Compile(bundle.Value).Value!;
    }

    private static string Seen(DecisionContext? context, InputPath place)
    {
        var evaluation = new Evaluation("x", context ?? DecisionContext.Empty, default);
        evaluation.Find(place, out var value);
        Assert.Equal(value.Raw.Length > 0, value.Exists);
        return Encoding.UTF8.GetString(value.Raw);
    }
}
