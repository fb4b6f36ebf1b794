using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class JsonTextPositionTests
{
    private const string Text =
        """
        {
          "wedge_stages": [
            {"stage_id": "canary"},
            {"stage_id": "é", "target": 5, "success_criteria": ["a < 1",
               "b < 2"]}
          ],
          "odd name": {"x\"y": true}, "increment_policy": "linear"
        }
        """;

    [Theory]
    [InlineData("$", 1, 1)]
    [InlineData("$.wedge_stages", 2, 19)]
    [InlineData("$.wedge_stages[0]", 3, 5)]
    [InlineData("$.wedge_stages[0].stage_id", 3, 18)]
    [InlineData("$.wedge_stages[1].target", 4, 33)]
    [InlineData("$.wedge_stages[1].success_criteria[1]", 5, 8)]
    [InlineData("$[\"odd name\"][\"x\\\"y\"]", 7, 24)]
    [InlineData("$.increment_policy", 7, 51)]
    public void A_path_is_found_at_its_line_and_column(string path, int line, int column) =>
        Assert.Equal(new JsonTextPosition(line, column), Find(Text, path));

    [Theory]
    [InlineData("$.missing", 1, 1)]
    [InlineData("$.wedge_stages[0].duration_hours", 3, 5)]
    [InlineData("$.wedge_stages[7].stage_id", 2, 19)]
    [InlineData("$.wedge_stages.stage_id", 2, 19)]
    [InlineData("$.increment_policy[0]", 7, 51)]
    [InlineData("$.wedge_stages[0].stage_id.deeper", 3, 18)]
    public void What_is_missing_is_shown_at_the_nearest_place_around_it(string path, int line, int column) =>
        Assert.Equal(new JsonTextPosition(line, column), Find(Text, path));

    [Theory]
    [InlineData("wedge_stages")]
    [InlineData("$x")]
    [InlineData("$.")]
    [InlineData("$[x]")]
    [InlineData("$[1")]
    [InlineData("$[\"never closed")]
    [InlineData("$[\"closed\"x")]
    [InlineData("$[\"ends\\")]
    public void What_is_no_path_is_nowhere(string path) => Assert.Null(Find(Text, path));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"a\": nonsense}")]
    public void What_is_no_JSON_has_no_places(string text) => Assert.Null(Find(text, "$.a.b"));

    private static JsonTextPosition? Find(string text, string path) => JsonTextPosition.Find(Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n")), path);
}
