using System.Text.Json;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class NodeRunTests
{
    [Fact]
    public async Task A_node_in_the_foreground_decides_what_comes_in()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        using var bundles = new SignedBundles();
        plane.Demand(plane.Store(bundles.Make("1.0.0")));
        var trust = Path.GetTempFileName();
        await File.WriteAllTextAsync(trust, JsonSerializer.Serialize(bundles.Root, PolicyJson.Options));
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var input = new StringReader("{\"capability_id\":\"read\"}\n\nnonsense\n{\"capability_id\":\"write\",\"context\":{}}\n");
        var host = new OrleansPolicy.Cli.CliHost
        {
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            In = input,
            Environment = new Dictionary<string, string>(),
        };
        using var stop = new CancellationTokenSource();
        var run = OrleansPolicy.Cli.Policyctl.RunAsync(
            ["node", "run", "n-1", "--fleet", "edge", "--trust", trust, "--server", plane.Address.ToString(), "--key", "k", "--json"], host, stop.Token);
        await Eventually.Holds(() => output.ToString().Trim().Split('\n').Length == 2);
        await stop.CancelAsync();
        Assert.Equal(0, await run);
        File.Delete(trust);
        var lines = output.ToString().Trim().Split('\n').Select(l => JsonElement.Parse(l)).ToArray();
        Assert.Equal([true, false], lines.Select(l => l.GetProperty("decision").GetProperty("allowed").GetBoolean()));
        Assert.Equal("default-deny", lines[1].GetProperty("decision").GetProperty("reason").GetString());
        Assert.Contains("cli.input", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"swapped\"", error.ToString(), StringComparison.Ordinal);
    }
}
