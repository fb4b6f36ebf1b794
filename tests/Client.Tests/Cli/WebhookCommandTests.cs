using System.Text.Json;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class WebhookCommandTests
{
    [Fact]
    public async Task A_new_one_is_asked_for_as_said_and_its_secret_is_shown()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        JsonElement asked = default;
        plane.Intercept = async http =>
        {
            asked = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
            await FakeControlPlane.Json(Hook() with { Secret = "whsec_once" }).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync(
            "webhook", "add", "https://example.com/hook", "--event", "RWG-003", "--event", "arm.*", "--description", "chat", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("whsec_once", run.Out, StringComparison.Ordinal);
        Assert.Equal("""{"url":"https://example.com/hook","events":["RWG-003","arm.*"],"description":"chat"}""", asked.GetRawText());
    }

    [Fact]
    public async Task Without_a_number_all_are_sent_again_in_order_until_one_is_not_taken()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            var path = http.Request.Path.Value!;
            await FakeControlPlane.Json<object>(path.EndsWith("/dead", StringComparison.Ordinal)
                ? new { DeadLetters = new[] { Letter(3), Letter(7), Letter(9) }.Where(letter => letter.Seq > long.Parse(http.Request.Query["after"]!, null)) }
                : new WebhookTryAnswer(!path.EndsWith("/7/replay", StringComparison.Ordinal), "w-1", "webhook.code", "So it went.", 200, 1)).ExecuteAsync(http);
            return true;
        };
        string[] access = ["--server", plane.Address.ToString(), "--key", "k"];

        Assert.Equal(1, (await CliRun.RunAsync(["webhook", "replay", "w", .. access])).ExitCode);
        Assert.Equal(["dead", "3/replay", "7/replay"], plane.Requests.Select(request => request[(request.IndexOf("/w/", StringComparison.Ordinal) + 3)..].Split('?')[0].Replace("dead/", "", StringComparison.Ordinal)));
        Assert.Equal(0, (await CliRun.RunAsync(["webhook", "replay", "w", "9", .. access])).ExitCode);
    }

    [Fact]
    public async Task What_is_not_taken_is_told_by_the_exit_code()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Json(new WebhookTryAnswer(false, "w-test-1", "webhook.address", "The host is on this machine.", null, 1)).ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("webhook", "test", "w", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal((1, "w-test-1: The host is on this machine. [webhook.address]"), (run.ExitCode, run.Out.Trim()));
    }

    private static WebhookAnswer Hook() => new() { WebhookId = "w", Url = "https://example.com/hook", CreatedBy = "alice", State = "up_to_date" };

    private static DeadLetterAnswer Letter(long seq) => new(seq, "arm.armed", "fleets/edge", DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, "webhook.refused: no");
}
