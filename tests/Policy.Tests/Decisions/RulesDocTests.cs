using System.Text;
using System.Text.RegularExpressions;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Review;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>Holds docs/RULES.md to the code.</summary>
public sealed partial class RulesDocTests
{
    private static readonly string Page = Encoding.UTF8.GetString(Repository.Read("docs/RULES.md"));

    [Fact]
    public void Every_operator_is_in_the_table_and_every_one_there_is_an_operator()
    {
        var table = Page[Page.IndexOf("| operator |", StringComparison.Ordinal)..];
        var rows = table[..table.IndexOf("\n\n", StringComparison.Ordinal)].Split('\n').Skip(2);

        Assert.Equal(
            PathConditionReader.Operators.Order(StringComparer.Ordinal),
            rows.SelectMany(r => Word().Matches(r.Split('|')[1]).Select(m => m.Groups[1].Value)).Order(StringComparer.Ordinal));
    }

    /// <summary>The last column of the table: what a value does that the operator is not for.</summary>
    [Fact]
    public void A_value_of_another_type_does_what_the_table_says()
    {
        var table = Page[Page.IndexOf("| operator |", StringComparison.Ordinal)..];
        foreach (var row in table[..table.IndexOf("\n\n", StringComparison.Ordinal)].Split('\n').Skip(2).Select(r => r.Split('|', StringSplitOptions.TrimEntries)))
        {
            foreach (var name in Word().Matches(row[1]).Select(m => m.Groups[1].Value).Where(n => n != "exists"))
            {
                var operand = name switch { "in" or "not_in" => "[1]", "eq" or "ne" => "1", "cidr" => "\"::1\"", _ when name[0] is 'l' or 'g' && name != "glob" => "1", _ => "\"x\"" };
                Assert.Equal((name, Answer(row[4])), (name, Outcome(name, operand, "{}")));
                Assert.Equal((name, Answer(row[5])), (name, Outcome(name, operand, """{"a":true}""")));
            }
        }
    }

    [Fact]
    public void Every_finding_and_every_field_that_can_be_expected_is_named()
    {
        var sources = string.Concat(Repository.SourcesUnder("src/Policy/Review"));

        Assert.All(Finding().Matches(sources).Select(m => m.Groups[1].Value).Distinct(), code => Assert.Contains($"`{code}`", Page, StringComparison.Ordinal));
        Assert.All(DecisionTestReader.ExpectedFields, field => Assert.Contains($"`{field}`", Page, StringComparison.Ordinal));
    }

    [Fact]
    public void The_decisions_and_the_line_of_a_log_that_are_printed_can_be_read()
    {
        var blocks = Block().Matches(Page).Select(m => Encoding.UTF8.GetBytes(m.Groups[1].Value)).ToArray();

        Assert.Equal(2, DecisionTestReader.Read(blocks[^2], "v2").Value.Length);
        Assert.Equal("orders-create-small", DecisionRecord.Read(blocks[^1]).Value!.Decision.RuleId);
    }

    private static string Answer(string cell) => cell.StartsWith("error", StringComparison.Ordinal) ? "error" : cell.StartsWith("does not hold", StringComparison.Ordinal) ? "no" : "yes";

    private static string Outcome(string name, string operand, string context)
    {
        var rules = RuleSet.Compile(OrleansPolicy.Bundles.BundleReader.Read(
            SomeBundle.OfRules("[{\"id\":\"r\",\"effect\":\"allow\",\"match\":{\"path\":\"context.a\",\"" + name + "\":" + operand + "}}]"),
            OrleansPolicy.Bundles.BundleReadOptions.ForTrial).Value!).Value!;
        var decision = rules.Decide(new DecisionRequest("x", System.Text.Json.JsonElement.Parse(context), default));
        return decision.IsError ? "error" : decision.Allowed ? "yes" : "no";
    }

    [GeneratedRegex("`([a-z_]+)`")]
    private static partial Regex Word();

    [GeneratedRegex("\"(lint\\.[a-z_]+)\"")]
    private static partial Regex Finding();

    [GeneratedRegex("```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
