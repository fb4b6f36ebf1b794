using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OrleansPolicy.Silo.Tests.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Faults;

/// <summary>The process of the control plane is killed, or frozen, in the middle of a rollout, and has no chance to say a last word.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class KillTests : IAsyncLifetime
{
    private const int Agents = 8;

    // The shipped one: however slow the machine is, what is away here is away for less.
    private const int LeaseSec = 45;
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(6);

    private readonly TemporaryFolder _folder = new();
    private readonly Uri _address = new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
    private Process _process = null!;
    private RolloutStory _story = null!;

    public async ValueTask InitializeAsync()
    {
        await StartAsync();
        _story = new RolloutStory(_address, (await File.ReadAllTextAsync(_folder["admin.key"])).Trim());
    }

    public async ValueTask DisposeAsync()
    {
        _story.Dispose();
        SiloProcess.Signal(_process, SiloProcess.SigTerm);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_control_plane_that_was_killed_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents, LeaseSec);
        await using var _ = agents;

        SiloProcess.Signal(_process, SiloProcess.SigKill);
        await _process.WaitForExitAsync();
        _process.Dispose();
        await Task.Delay(Away);
        await StartAsync();

        await _story.GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);
    }

    [Fact]
    public async Task A_control_plane_that_was_frozen_makes_nobody_deny_and_loses_nothing()
    {
        var (agents, rollout) = await _story.RollingOutAsync(Agents, LeaseSec);
        await using var _ = agents;

        SiloProcess.Signal(_process, SiloProcess.SigStop);
        await Task.Delay(Away);
        SiloProcess.Signal(_process, SiloProcess.SigCont);

        await _story.GoesOnAsync(agents, rollout);
        Assert.Empty(agents.Denials);
    }

    // A window of 8 s: a rollout takes two, and an outage does not use up the three after which it would pause.
    private async Task StartAsync()
    {
        _process = SiloProcess.Start("--urls", _address.ToString(), "--data", _folder.Path, "--unsafe-time-scale", "8");
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
