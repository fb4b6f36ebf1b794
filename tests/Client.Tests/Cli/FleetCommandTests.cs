using System.Text.Json;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client.Tests.Cli;

public sealed class FleetCommandTests
{
    [Fact]
    public async Task What_is_not_said_of_a_fleets_settings_stays_as_it_is()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        FleetSettings? stored = null;
        plane.Intercept = async http =>
        {
            if (http.Request.Method == "PUT")
            {
                // As the control plane does it: what the body leaves out becomes its default.
                stored = await JsonSerializer.DeserializeAsync<FleetSettings>(http.Request.Body, PolicyJson.Options);
            }

            await (stored is null ? FakeControlPlane.Problem(404, "fleet.unknown") : FakeControlPlane.Json(Fleet(stored))).ExecuteAsync(http);
            return true;
        };

        await CreateAsync("--requires-armed", "--report-interval", "2");
        Assert.Equal(new FleetSettings { RequiresArmed = true, ReportIntervalSec = 2 }, stored);

        await CreateAsync("--lease", "30");
        Assert.Equal(new FleetSettings { RequiresArmed = true, ReportIntervalSec = 2, MaxStalenessSec = 30 }, stored);

        await CreateAsync("--lease", "off");
        await CreateAsync("--node-ttl", "600");
        Assert.Equal(new FleetSettings { RequiresArmed = true, ReportIntervalSec = 2, MaxStalenessSec = null, NodeTtlSec = 600 }, stored);

        var told = await CreateAsync();
        Assert.Equal(new FleetSettings { RequiresArmed = true, ReportIntervalSec = 2, MaxStalenessSec = null, NodeTtlSec = 600 }, stored);
        Assert.Contains("only while armed", told.Out, StringComparison.Ordinal);

        await CreateAsync("--requires-armed", "false");
        Assert.Equal(new FleetSettings { ReportIntervalSec = 2, MaxStalenessSec = null, NodeTtlSec = 600 }, stored);

        async Task<CliRun> CreateAsync(params string[] args)
        {
            var run = await CliRun.RunAsync(["fleet", "create", "edge", .. args, "--server", plane.Address.ToString(), "--key", "k"]);
            Assert.True(run.ExitCode == 0, run.Error);
            return run;
        }
    }

    [Fact]
    public async Task Where_the_settings_cannot_be_read_nothing_is_changed()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Problem(403, "auth.forbidden").ExecuteAsync(http);
            return true;
        };

        var run = await CliRun.RunAsync("fleet", "create", "edge", "--lease", "30", "--server", plane.Address.ToString(), "--key", "k");

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(["GET /v1/default/fleets/edge"], plane.Requests);
    }

    private static FleetSnapshot Fleet(FleetSettings settings) =>
        new() { Tenant = "default", Fleet = "edge", Settings = settings, Directive = new Directive { Epoch = 0 }, Revision = 1 };
}
