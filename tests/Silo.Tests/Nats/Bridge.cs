using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>The bridge of deploy/nats, in a process of its own.</summary>
internal sealed class Bridge : IDisposable
{
    public const string Secret = "a secret of the services";

    private static readonly HttpClient Http = new();
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource _outputEnded = new();

    private Bridge(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
            {
                _lines.Enqueue(text);
            }
            else
            {
                _outputEnded.TrySetResult();
            }
        };
        _process.Start();
        _process.BeginOutputReadLine();
    }

    /// <summary>What it said.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Starts it; the test is skipped where node or its packages are not installed.</summary>
    public static Bridge Start(IReadOnlyDictionary<string, string> settings)
    {
        var node = Programs.Find("node");
        Assert.SkipWhen(node is null, "node is not installed.");
        var folder = Environment.GetEnvironmentVariable("POLICY_NATS_BRIDGE") ?? Repository.PathOf("deploy/nats");
        Assert.SkipUnless(Directory.Exists(Path.Combine(folder, "node_modules")), "The bridge's npm packages are not installed: npm ci --prefix deploy/nats.");
        var start = new ProcessStartInfo(node!, [Path.Combine(folder, "bridge.mjs")]) { RedirectStandardOutput = true };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        return new Bridge(start);
    }

    /// <summary>What it is started with, for a fleet's nodes; secrets and state are in the folder.</summary>
    public static Dictionary<string, string> Settings(TemporaryFolder folder, NatsServer nats, Uri controlPlane, string key, string tenant, string nodes)
    {
        File.WriteAllText(folder["key"], key + "\n");
        File.WriteAllText(folder["secret"], Secret + "\n");
        return new Dictionary<string, string>
        {
            ["NATS_URL"] = nats.Url,
            ["POLICY_SERVER"] = controlPlane.GetLeftPart(UriPartial.Authority),
            ["POLICY_KEY_FILE"] = folder["key"],
            ["POLICY_TENANT"] = tenant,
            ["POLICY_FLEET"] = "edge",
            ["POLICY_NODES"] = nodes,
            ["HMAC_SECRET_FILE"] = folder["secret"],
            ["BRIDGE_STATE"] = folder["state"],
            ["BRIDGE_LISTEN"] = "127.0.0.1:0",
        };
    }

    /// <summary>Until both sides are connected.</summary>
    public async Task<Bridge> ReadyAsync()
    {
        await Eventually.BecomesAsync(() => Task.FromResult(Events("started").Count), 1, seconds: 60);
        await BecomesReadyAsync(true);
        return this;
    }

    public async Task BecomesReadyAsync(bool ready) => await Eventually.BecomesAsync(
        async () =>
        {
            Assert.False(_process.HasExited, "The bridge ended: " + Output);
            using var answer = await Http.GetAsync(Address("/readyz"));
            return answer.IsSuccessStatusCode;
        },
        ready,
        seconds: 60);

    /// <summary>The value of a series of its metrics; 0 where there is none.</summary>
    public async Task<string> MetricAsync(string series) =>
        (await Http.GetStringAsync(Address("/metrics"))).Split('\n')
            .SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal))?.Split(' ')[^1] ?? "0";

    /// <summary>The lines that it wrote about something.</summary>
    public IReadOnlyList<JsonElement> Events(string name) =>
        [.. _lines.Select(line => JsonElement.Parse(line)).Where(line => line.GetProperty("event").GetString() == name)];

    public async Task<int> EndAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(deadline.Token);
        await _outputEnded.Task.WaitAsync(deadline.Token);
        return _process.ExitCode;
    }

    /// <summary>As when the machine loses its power.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private Uri Address(string path) => new($"http://127.0.0.1:{Events("started")[0].GetProperty("listen").GetInt32()}{path}");
}
