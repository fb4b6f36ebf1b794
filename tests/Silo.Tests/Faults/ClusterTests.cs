using System.Collections.Immutable;
using System.Diagnostics;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Tests.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>Three processes on one database are a cluster: it matters neither who is asked nor who goes away. The embedded engine has none.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ClusterTests(PostgresServer server) : IAsyncLifetime
{
    private const int Silos = 3;
    private const int Agents = 8;
    private const int LeaseSec = 45;

    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _processes = [];
    private readonly List<Uri> _addresses = [];

    public async ValueTask InitializeAsync()
    {
        if (ClusterSettingsReader.Engine != "Orleans")
        {
            return;
        }

        var database = await server.CreateDatabaseAsync();
        for (var silo = 0; silo < Silos; silo++)
        {
            var process = SiloProcess.Start(
                "--urls", "http://127.0.0.1:0", "--data", _folder[$"silo-{silo}"], "--connection-string", database, "--unsafe-time-scale", "5",
                "--cluster", "adonet", "--silo-port", "0", "--gateway-port", "0", "--advertise", "127.0.0.1");
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            _processes.Add(process);
            var banner = await SiloProcess.ReadUntilReadyAsync(process);
            _addresses.Add(new Uri(banner.Split('\n').Single(line => line.Contains("listening", StringComparison.Ordinal)).Split(' ')[^1]));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited)
            {
                SiloProcess.Signal(process, SiloProcess.SigTerm);
                await process.WaitForExitAsync();
            }

            process.Dispose();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task A_silo_that_is_killed_and_one_that_is_told_to_stop_make_nobody_deny_and_lose_nothing()
    {
        Assert.SkipUnless(ClusterSettingsReader.Engine == "Orleans", "The embedded engine is one process.");
        ImmutableArray<Uri> others = [.. _addresses.Skip(1)];
        using var story = new RolloutStory(_addresses[0], (await File.ReadAllTextAsync(Path.Combine(_folder["silo-0"], "admin.key"))).Trim(), others);
        var (agents, rollout) = await story.RollingOutAsync(Agents, LeaseSec);
        await using var _ = agents;

        SiloProcess.Signal(_processes[1], SiloProcess.SigKill);
        SiloProcess.Signal(_processes[2], SiloProcess.SigTerm);
        await _processes[2].WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(0, _processes[2].ExitCode);
        await story.GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);
        using var anybody = new ApiClient(_addresses[0], key: null);
        Assert.True((await anybody.GetAsync("/readyz")).Expect(200)["ready"].GetBoolean());
    }

    [Fact]
    public async Task Load_balancers_that_send_each_request_to_another_silo_change_no_answer()
    {
        Assert.SkipUnless(ClusterSettingsReader.Engine == "Orleans", "The embedded engine is one process.");
        var key = (await File.ReadAllTextAsync(Path.Combine(_folder["silo-0"], "admin.key"))).Trim();
        using var story = new RolloutStory(_addresses[0], key);
        ApiClient[] silos = [.. _addresses.Select(address => new ApiClient(address, key))];
        try
        {
            await story.PrepareAsync(LeaseSec);

            // What one silo was told is what the next one knows, and does not do again.
            const string Node = "/v1/default/fleets/edge/nodes/n1";
            (await silos[1].PutAsync(Node, new { })).Expect(200);
            var tag = (await silos[2].GetAsync(Node + "/directive")).Expect(200).Headers["ETag"];
            foreach (var silo in silos)
            {
                (await silo.GetAsync(Node + "/directive", ("If-None-Match", tag))).Expect(304);
            }

            object limits = new { max_updates_per_minute = 3, min_interval_sec = 0 };
            var configured = (await silos[0].PutAsync("/v1/default/admission/config", limits, ("Idempotency-Key", "limits"))).Expect(200);
            foreach (var silo in silos)
            {
                Assert.Equal(configured.Text, (await silo.PutAsync("/v1/default/admission/config", limits, ("Idempotency-Key", "limits"))).Expect(200).Text);
                (await silo.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 4, min_interval_sec = 0 }, ("Idempotency-Key", "limits"))).ExpectProblem(422, "operation.reused");
            }

            // A poll that one holds is answered by what another one is told; soon every silo says so.
            var heard = Task.WhenAll(silos.Select(silo => Eventually.BecomesAsync(
                async () => (await silo.GetAsync(Node + "/directive?wait=7", ("If-None-Match", tag))) is { Status: 200 } now && !now["armed"].GetBoolean(), true)));
            (await silos[1].PostAsync(Node + "/disarm?wait=0", new { reason = "try" })).Expect(200);
            await heard;
            Assert.Single((await Task.WhenAll(silos.Select(silo => silo.GetAsync(Node + "/directive")))).Select(now => now.Expect(200).Headers["ETag"]).Distinct());
        }
        finally
        {
            Array.ForEach(silos, silo => silo.Dispose());
        }
    }
}
