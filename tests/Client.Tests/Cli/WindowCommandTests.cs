namespace OrleansPolicy.Client.Tests.Cli;

public sealed class WindowCommandTests
{
    private static readonly object Window = new
    {
        Name = "weekend",
        Kind = "deny",
        Fleet = "edge",
        Zone = "Europe/Berlin",
        Starts = "2026-11-20T17:00",
        Ends = "2026-11-23T08:00",
        Repeats = "weekly",
        Days = (string[])["friday", "tuesday"],
        Reason = "nobody is here",
        Next = new[] { new { From = "2026-11-20T16:00:00Z", To = "2026-11-23T07:00:00Z" } },
    };

    [Fact]
    public async Task A_window_is_set_as_it_is_said_and_shows_when_it_is_there()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var body = "";
        plane.Intercept = async http =>
        {
            body = await new StreamReader(http.Request.Body).ReadToEndAsync();
            await FakeControlPlane.Json(Window).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(
            "window", "set", "weekend", "deny", "--starts", "2026-11-20T17:00", "--ends", "2026-11-23T08:00", "--zone", "Europe/Berlin", "--fleet", "edge",
            "--repeats", "weekly", "--days", "friday", "tuesday", "-r", "nobody is here", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["PUT /v1/default/windows/weekend"], plane.Requests);
        foreach (var said in new[] { "\"deny\"", "\"edge\"", "\"Europe/Berlin\"", "\"2026-11-20T17:00\"", "\"2026-11-23T08:00\"", "\"weekly\"", "[\"friday\",\"tuesday\"]", "\"nobody is here\"" })
        {
            Assert.Contains(said, body, StringComparison.Ordinal);
        }

        Assert.Contains("2026-11-20 16:00:00Z to 2026-11-23 07:00:00Z", run.Out, StringComparison.Ordinal);
        Assert.Contains("weekly: friday tuesday", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Windows_are_listed_and_taken_away_with_a_reason()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var query = "";
        plane.Intercept = async http =>
        {
            query = http.Request.QueryString.Value ?? "";
            await FakeControlPlane.Json(http.Request.Method == "GET" ? new { Windows = new[] { Window } } : Window).ExecuteAsync(http);
            return true;
        };

        var list = await CliRun.RunAsync("window", "ls", "--json", "--server", plane.Address.ToString(), "--key", "k");
        Assert.Equal("weekend", list.Json[0].GetProperty("name").GetString());
        var removed = await CliRun.RunAsync("window", "rm", "weekend", "-r", "we are back", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(["GET /v1/default/windows", "DELETE /v1/default/windows/weekend"], plane.Requests);
        Assert.Equal("?reason=we%20are%20back", query);
        Assert.Contains("weekend is taken away", removed.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("window", "set", "w", "deny", "--starts", "2026-11-20T17:00", "-r", "x")]
    [InlineData("window", "set", "w", "maybe", "--starts", "2026-11-20T17:00", "--ends", "2026-11-23T08:00", "-r", "x")]
    [InlineData("window", "rm", "w")]
    public async Task What_is_missing_or_no_kind_is_wrong_usage(params string[] args) =>
        Assert.Equal(2, (await CliRun.RunAsync([.. args, "--key", "k"])).ExitCode);
}
