namespace OrleansPolicy.Client.Tests.Cli;

public sealed class BundleLintTests
{
    [Theory]
    [InlineData("allow", 1, "lint.shadowed")]
    [InlineData("deny", 0, "lint.same_as_default")]
    public async Task A_warning_is_1_and_a_note_is_1_only_where_that_is_asked_for(string effect, int exitCode, string code)
    {
        var second = exitCode == 1 ? """,{"id":"b","effect":"allow","match":{"capability":"x"}}""" : "";
        var bundle = $$"""[{"id":"a","effect":"{{effect}}","match":{"capability":"x*"} }{{second}}]""";

        var text = await CliRun.RunInAsync([], bundle, "bundle", "lint", "-");
        Assert.Equal(exitCode, text.ExitCode);
        Assert.Contains(code, text.Out, StringComparison.Ordinal);
        var json = await CliRun.RunInAsync([], bundle, "bundle", "lint", "-", "--strict", "--json");
        Assert.Equal(1, json.ExitCode);
        Assert.False(json.Json.GetProperty("passed").GetBoolean());
        Assert.Equal(code, json.Json.GetProperty("findings")[0].GetProperty("code").GetString());
    }
}
