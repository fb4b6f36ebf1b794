using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Cli;
using OrleansPolicy.Client;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Runbook;

/// <summary>A fleet with an execution side and a brain side, its agents real, armed on 1.0.0, with 2.0.0 published; and policyctl for it.</summary>
internal sealed class BothSides : IAsyncDisposable
{
    private static readonly JsonElement Nothing = JsonElement.Parse("{}"u8);

    private readonly TestBundles _bundles = new();
    private readonly PolicyTransport _transport = new();
    private readonly TemporaryFolder _folder = new();
    private readonly string _key;

    private BothSides(TestTenant tenant, Uri server, string key)
    {
        (Tenant, Server, _key) = (tenant, server, key);
    }

    public TestTenant Tenant { get; }

    public Uri Server { get; }

    public Dictionary<string, PolicyNode> Agents { get; } = [];

    public string First { get; private set; } = "";

    public string Second { get; private set; } = "";

    public string StateFile => _folder["runbook.json"];

    public static async Task<BothSides> StartAsync(ControlPlane plane, bool withBrain = true, Func<PolicyCandidate, string?>? accept = null, string? group = null)
    {
        var tenant = await plane.NewTenantAsync();
        var made = (await tenant.Admin.PostAsync("/keys", new { name = "operator", subject = "olga", role = "operator" })).Expect(201);
        var both = new BothSides(tenant, plane.Address, made["key"].GetString()!);
        (both.First, both.Second) = await tenant.RunningFleetAsync("edge", both._bundles, nodes: 0, settings: new { requires_armed = true, report_interval_sec = 0.2 });
        (await tenant.Admin.PostAsync("/fleets/edge/arm?wait=0", new { reason = "begin" })).Expect(200);
        foreach (var name in (string[])["execution-1", "execution-2", .. withBrain ? ["brain-1"] : (string[])[]])
        {
            both.Agents[name] = await both.AgentAsync(name, group, name.StartsWith("execution-2", StringComparison.Ordinal) ? accept : null);
        }

        if (withBrain)
        {
            both.Agents["brain-1"].Promote();
        }

        await both.AllServeAsync(both.First);

        // The runbook goes by what the control plane has heard, which comes after what agents do.
        await Eventually.BecomesAsync(
            async () => (await tenant.Admin.GetAsync("/fleets/edge/nodes")).Expect(200)["nodes"].EnumerateArray().Count(node =>
                node.GetProperty("state").GetString() == "live" && node.TryGetProperty("policy_hash", out var hash) && hash.GetString() == both.First),
            both.Agents.Count);
        return both;
    }

    /// <summary>Runs policyctl deploy --runbook; each line is shown to <paramref name="seen"/> as it is printed, which may throw like a crash.</summary>
    public async Task<(int Code, string Out, string Error)> DeployAsync(Action<string>? seen, params string[] more)
    {
        using var output = new WatchedWriter(seen);
        using var error = new StringWriter();
        using var input = new StringReader("");
        var host = new CliHost { Out = output, Error = error, In = input, Environment = new Dictionary<string, string>() };
        var code = await Policyctl.RunAsync(
            [
                "deploy", "--runbook", "--fleet", "edge", "--timeout", "60", "--state", StateFile, "--server", Server.ToString(), "--key", _key,
                "--tenant", Tenant.Name, .. more.Contains("--window") ? [] : (string[])["--window", "1.5"], .. more,
            ],
            host, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    public JsonElement State() => JsonElement.Parse(File.ReadAllBytes(StateFile));

    /// <summary>Until every agent serves a hash: the leader after its handshake.</summary>
    public async Task AllServeAsync(string hash) =>
        await Eventually.BecomesAsync(() => Task.FromResult(string.Join(", ", Agents.Values.Select(agent => agent.Decide("orders.read", Nothing).PolicyHash))), string.Join(", ", Agents.Select(_ => hash)), 30);

    /// <summary>How often each action was done to the fleet by the operator.</summary>
    public async Task<string> DoneAsync()
    {
        var entries = (await Tenant.Admin.GetAsync("/audit?limit=1000"))["entries"].EnumerateArray().Where(entry => entry.GetProperty("actor").GetString() == "olga").ToList();
        Assert.All(entries, entry => Assert.Equal("runbook", entry.GetProperty("interface").GetString()));
        return string.Join(", ", entries.Select(entry => entry.GetProperty("action").GetString()));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Agents.Values.Select(agent => agent.DisposeAsync().AsTask()));
        _transport.Dispose();
        _bundles.Dispose();
        _folder.Dispose();
    }

    private async Task<PolicyNode> AgentAsync(string name, string? group, Func<PolicyCandidate, string?>? accept)
    {
        var key = (await Tenant.Admin.PostAsync("/keys", new { name, subject = name, role = "node", fleet = "edge", node = name })).Expect(201);
        return await PolicyNode.StartAsync(
            new PolicyNodeOptions
            {
                Server = Server,
                Tenant = Tenant.Name,
                ApiKey = key["key"].GetString()!,
                Fleet = "edge",
                Node = name,
                Role = name.Split('-')[0],
                ParityGroup = group,
                TrustRoot = JsonSerializer.Deserialize<TrustRoot>(_bundles.RootJson, PolicyJson.Options),
                Transport = _transport,
                Accept = accept,
            },
            TestContext.Current.CancellationToken);
    }

    private sealed class WatchedWriter(Action<string>? seen) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            seen?.Invoke(value ?? "");
        }
    }
}
