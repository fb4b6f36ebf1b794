using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansPolicy.Silo.Tests.Http;

namespace OrleansPolicy.Silo.Tests.Telemetry;

/// <summary>What the board and the alert rules under <c>deploy/</c> ask for is there.</summary>
[Collection(OneControlPlane.Name)]
public sealed partial class BoardTests(ControlPlane plane)
{
    [Fact]
    public async Task Every_metric_of_the_board_and_the_rules_exists()
    {
        var exposed = await ExposedAsync();
        var asked = BoardExpressions().Concat(RuleExpressions()).SelectMany(text => MetricName().Matches(text).Select(match => match.Value)).ToHashSet(StringComparer.Ordinal);

        Assert.True(asked.Count > 15, $"The board asks for {asked.Count} metrics.");
        Assert.Empty(asked.Where(name => !exposed.Contains(name)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_panel_says_what_it_shows_and_its_place_is_its_own()
    {
        using var board = Board();
        var panels = board.RootElement.GetProperty("panels").EnumerateArray().ToList();

        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.All(panels.Where(panel => panel.GetProperty("type").GetString() != "row"), panel => Assert.NotEmpty(panel.GetProperty("description").GetString()!));
    }

    private async Task<HashSet<string>> ExposedAsync()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var words in (await plane.Admin.GetAsync("/metrics")).Expect(200).Text.Split('\n').Select(line => line.Split(' ')).Where(words => words is ["#", "TYPE", _, _]))
        {
            names.UnionWith(words[3] == "histogram" ? [words[2] + "_bucket", words[2] + "_sum", words[2] + "_count"] : [words[2]]);
        }

        return names;
    }

    private static IEnumerable<string> BoardExpressions()
    {
        using var board = Board();
        return
        [
            .. from panel in board.RootElement.GetProperty("panels").EnumerateArray()
               where panel.TryGetProperty("targets", out _)
               from target in panel.GetProperty("targets").EnumerateArray()
               select target.GetProperty("expr").GetString(),
        ];
    }

    // An expression stands on the line of its key, or below it, deeper: whatever is neither a comment nor another key.
    private static IEnumerable<string> RuleExpressions()
    {
        var folder = Repository.PathOf("deploy/prometheus");
        var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.rules.yml") : [];
        return files.SelectMany(file => RuleExpression().Matches(File.ReadAllText(file)).Select(match => match.Value));
    }

    private static JsonDocument Board() => JsonDocument.Parse(File.ReadAllText(Repository.PathOf("deploy/grafana/policy.json")));

    [GeneratedRegex(@"\b(policy|titan)_[a-z0-9_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"^(?<deep> *)(- )?expr:.*(\n(\k<deep>  .*|\s*))*", RegexOptions.Multiline)]
    private static partial Regex RuleExpression();
}
