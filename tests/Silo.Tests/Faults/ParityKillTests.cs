using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Tests.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>The process of the control plane is killed while pairs go over to another bundle, and has no chance to say a last word.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ParityKillTests : IAsyncLifetime
{
    private const int Pairs = 3;

    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _state = new();
    private readonly TestBundles _bundles = new();
    private readonly Cable _cable = new();
    private readonly PolicyTransport _transport = new();
    private readonly Uri _address = new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
    private Process _process = null!;
    private ApiClient _admin = null!;
    private TenantClient _tenant = null!;
    private PolicyNode[] _agents = [];

    // Of the pair whose other member's cable can be cut: without that one's word it cannot go on.
    private PolicyNode Partner => _agents[^2];

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        var key = (await File.ReadAllTextAsync(_folder["admin.key"])).Trim();
        _admin = new ApiClient(_address, key);
        _tenant = new TenantClient(_admin, "default");
        (await _tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await _tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await _tenant.PutAsync("/fleets/edge", new { report_interval_sec = 1 })).Expect(200);
        (await _tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await _tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        (await _tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        _agents = await Task.WhenAll(Enumerable.Range(0, 2 * Pairs).Select(index => PolicyNode.StartAsync(new PolicyNodeOptions
        {
            Server = _address,
            ApiKey = key,
            Fleet = "edge",
            Node = index % 2 == 0 ? $"pair{index / 2}-brain" : $"pair{index / 2}-execution",
            ParityGroup = $"pair{index / 2}",
            Role = index % 2 == 0 ? "brain" : "execution",
            TrustRoot = JsonSerializer.Deserialize<TrustRoot>(_bundles.RootJson, PolicyJson.Options),
            StateFolder = Path.Combine(_state.Path, $"agent-{index}"),
            Transport = index == (2 * Pairs) - 1 ? _cable.Transport : _transport,
        })));
        await UntilAsync(() => AllServe("1.0.0"));

        // So that each of the two is one that the fleet can go to at once.
        (await _tenant.PostAsync("/fleets/edge/disarm", new { reason = "another one" })).Expect(200);
        (await _tenant.PutAsync("/fleets/edge/baseline", new { @ref = "2.0.0", reason = "second", while_disarmed = true })).Expect(200);
        (await _tenant.PostAsync("/fleets/edge/arm", new { reason = "go" })).Expect(200);
        await UntilAsync(() => AllServe("2.0.0"));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_agents.Select(agent => agent.DisposeAsync().AsTask()));
        _admin?.Dispose();
        SiloProcess.Signal(_process, SiloProcess.SigTerm);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _transport.Dispose();
        _cable.Transport.Dispose();
        _bundles.Dispose();
        _state.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_kill_in_the_middle_of_a_switch_lets_no_pair_differ_and_the_switch_goes_on()
    {
        await using var watch = new ParityWatch(() => _agents);

        // One pair cannot go on, as one of it is not heard; it is on its way when the process dies, and the others have gone over.
        _cable.Cut();
        await GoToAsync("1.0.0");
        await UntilAsync(() => _agents[..^2].All(agent => Serves(agent, "1.0.0")) && (Partner.Status.Group?.Phase is not ParityPhase.Commit || Serves(Partner, "1.0.0")));
        await KillAsync();
        await StartAsync();
        _cable.Mend();
        await UntilAsync(() => AllServe("1.0.0"));

        // At whatever moment of a switch.
        foreach (var version in (string[])["2.0.0", "1.0.0", "2.0.0"])
        {
            await GoToAsync(version);
            await UntilAsync(() => AllServe(version) || _agents.Any(agent => agent.Status.Group?.Phase is ParityPhase.Prepare or ParityPhase.Quiesce));
            await KillAsync();
            await StartAsync();
            await UntilAsync(() => AllServe(version));
        }

        await watch.NobodyDifferedAsync(node => node[..node.IndexOf('-', StringComparison.Ordinal)]);
        Assert.True(watch.Decisions > 0);
        Assert.True((await _admin.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());
        Assert.Equal("parity.switched", (await _tenant.GetAsync("/audit?limit=1000")).Expect(200)["entries"].EnumerateArray()
            .Select(entry => entry.GetProperty("action").GetString()).Last(action => action!.StartsWith("parity.", StringComparison.Ordinal)));
    }

    private static bool Serves(PolicyNode agent, string version) => agent.Status is { Refusal: null } now && now.Version == version;

    private bool AllServe(string version) => _agents.All(agent => Serves(agent, version));

    private async Task UntilAsync(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        while (!holds())
        {
            Assert.False(
                deadline.IsCancellationRequested,
                string.Join("; ", _agents.Select(agent => $"{agent.Name} {agent.Status.Version} {agent.Status.Refusal} {agent.Status.Group}")));
            await Task.Delay(5);
        }
    }

    private async Task GoToAsync(string version)
    {
        foreach (var held in (await _tenant.GetAsync("/fleets/edge/quarantine")).Expect(200)["quarantine"].EnumerateArray().ToList())
        {
            (await _tenant.PostAsync($"/fleets/edge/quarantine/{held.GetProperty("policy_hash").GetString()}/release", new { reason = "again" })).Expect(200);
        }

        (await _tenant.PostAsync("/fleets/edge/rollback", new { @ref = version, reason = "now" })).Expect(202);
    }

    private async Task KillAsync()
    {
        SiloProcess.Signal(_process, SiloProcess.SigKill);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task StartAsync()
    {
        _process = SiloProcess.Start("--urls", _address.ToString(), "--data", _folder.Path);
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        await SiloProcess.ReadUntilReadyAsync(_process);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
