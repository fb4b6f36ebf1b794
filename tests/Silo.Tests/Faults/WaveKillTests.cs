using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OrleansPolicy.Silo.Tests.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>A wave over three fleets of real agents, whose control plane is killed in the middle of it.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class WaveKillTests : IAsyncLifetime
{
    private static readonly string[] Fleets = ["eu-1", "eu-2", "us-1"];

    private readonly TemporaryFolder _folder = new();
    private readonly TestBundles _bundles = new();
    private readonly Uri _address = new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
    private Process _process = null!;
    private string _key = "";
    private ApiClient _admin = null!;

    private TenantClient Tenant => new(_admin, "default");

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        _key = (await File.ReadAllTextAsync(_folder["admin.key"])).Trim();
        _admin = new ApiClient(_address, _key);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        _bundles.Dispose();
        SiloProcess.Signal(_process, SiloProcess.SigTerm);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_wave_whose_control_plane_was_killed_goes_on_by_itself_to_its_end_and_is_taken_back_from_all()
    {
        (await Tenant.PutAsync("/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await Tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        (await Tenant.PostAsync("/bundles", _bundles.Make("1.0.0"))).Expect(201);
        (await Tenant.PostAsync("/bundles", _bundles.Make("2.0.0"))).Expect(201);
        var agents = new List<WatchedAgents>();
        try
        {
            foreach (var fleet in Fleets)
            {
                (await Tenant.PutAsync($"/fleets/{fleet}", new { report_interval_sec = 1 })).Expect(200);
                (await Tenant.PutAsync($"/fleets/{fleet}/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
                agents.Add(await WatchedAgents.StartAsync(_address, _key, _bundles, fleet, 4));
            }

            var plan = TestPlans.Sound(plan =>
            {
                plan["wedge_stages"] = new[] { Stage("quarter", 25), Stage("all", 100) };
                plan["initial_percentage"] = 25;
                plan["increment_policy"] = "linear";
            });
            string[][] steps = [["eu-1"], ["eu-2", "us-1"]];
            var path = $"/waves/{(await Tenant.PostAsync("/waves", new { fleets = steps, @ref = "2.0.0", rollout_wedge = plan, reason = "new rules" })).Expect(201)["wave_id"].GetString()}";
            await Eventually.BecomesAsync(async () => (await Tenant.GetAsync(path)).Expect(200)["fleets"][0].GetProperty("state").GetString(), "ACTIVE");

            SiloProcess.Signal(_process, SiloProcess.SigKill);
            await _process.WaitForExitAsync();
            _process.Dispose();
            await StartAsync();

            // Nobody asks for the wave meanwhile: asking would bring its grain up.
            await Eventually.BecomesAsync(() => GoOnAsync(path), "COMPLETE", seconds: 180);
            Assert.All(agents.SelectMany(fleet => fleet.Nodes), node => Assert.Equal("2.0.0", node.Status.Version));
            var begun = (await Tenant.GetAsync("/rollouts")).Expect(200)["rollouts"].EnumerateArray().Where(rollout => rollout.GetProperty("kind").GetString() == "rollout");
            Assert.Equal(["us-1", "eu-2", "eu-1"], begun.Select(rollout => rollout.GetProperty("fleet").GetString()).OrderDescending());

            (await Tenant.PostAsync(path + "/rollback", new { reason = "no good" })).Expect(200);
            await Eventually.BecomesAsync(() => Task.FromResult(agents.SelectMany(fleet => fleet.Nodes).All(node => node.Status.Version == "1.0.0")), true);
            Assert.True((await Tenant.GetAsync("/audit/verify")).Expect(200)["valid"].GetBoolean());
        }
        finally
        {
            foreach (var fleet in agents)
            {
                await fleet.DisposeAsync();
            }
        }
    }

    // A machine that is too slow for the short windows pauses a rollout, and so the wave: then somebody resumes it, as an operator would.
    private async Task<string> GoOnAsync(string path)
    {
        var answer = await Tenant.GetAsync("/waves");
        if (answer.Status != 200)
        {
            return answer.ToString();
        }

        var wave = answer["waves"][0];
        if (wave.GetProperty("why").GetProperty("code").GetString() == "wave.fleet_paused")
        {
            await Tenant.PostAsync(path + "/resume", new { reason = "too slow for its windows" });
        }

        return wave.GetProperty("state").GetString()!;
    }

    private async Task StartAsync()
    {
        _process = SiloProcess.Start("--urls", _address.ToString(), "--data", _folder.Path, "--unsafe-time-scale", "4");
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        await SiloProcess.ReadUntilReadyAsync(_process);
    }

    private static object Stage(string id, int percentage) => new
    {
        stage_id = id,
        target_percentage = percentage,
        duration_hours = 1,
        success_criteria = new[] { "error_rate < 1%" },
        rollback_trigger = "error_rate > 5%",
    };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
