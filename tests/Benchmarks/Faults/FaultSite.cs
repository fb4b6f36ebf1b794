using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>Three silos on one PostgreSQL, agents that decide twenty times a second, and everything about them that can be broken.</summary>
internal sealed partial class FaultSite : IAsyncDisposable
{
    public const string Fleet = "edge";
    public const double HourSeconds = 6;
    private const int SilosCount = 3;
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DriverPatience = TimeSpan.FromSeconds(10);

    private readonly SiloNetwork? _network;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private double _slowestStart;

    private FaultSite(SiloNetwork? network, Installation installation)
    {
        (_network, Installation) = (network, installation);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", installation.ControlPlane.AdminKey);
    }

    public Installation Installation { get; }

    public Agents Agents { get; private set; } = null!;

    public Deciding Deciding { get; private set; } = null!;

    public ImmutableArray<ControlPlane> Silos => Installation.Silos;

    /// <summary>What keeps this machine from breaking things so; null: nothing.</summary>
    public static string? Obstacle(FaultKind kind) => kind.OnNetwork ? SiloNetwork.Obstacle() : kind.Balanced ? LoadBalancer.Obstacle() : null;

    public static async Task<FaultSite> CreateAsync(FaultKind kind, int agents)
    {
        var network = kind.OnNetwork ? await SiloNetwork.CreateAsync(SilosCount) : null;
        try
        {
            var database = await OwnDatabase.CreateAsync(network);
            var made = new FaultSite(network, await Installation.StartAsync(HourSeconds, database, SilosCount, network, kind.Balanced));
            try
            {
                await made.Installation.AddFleetAsync(Fleet, agents);
                await made.Installation.PublishNextAsync();
                made.Agents = await Agents.StartAsync(made.Installation, Fleet, agents);
                await made.Agents.UntilAllOnAsync(made.Installation.V1);
                made.Deciding = new Deciding(made.Agents);
                return made;
            }
            catch
            {
                await made.DisposeAsync();
                throw;
            }
        }
        catch
        {
            await (network?.DisposeAsync() ?? ValueTask.CompletedTask);
            throw;
        }
    }

    /// <summary>The index of the silo whose grain drives the fleet's rollout: the one whose count of looks rises.</summary>
    public async Task<int> FindDriverAsync()
    {
        var before = await ReadLooksAsync();
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < DriverPatience; await Task.Delay(50))
        {
            var now = await ReadLooksAsync();
            if (Enumerable.Range(0, SilosCount).FirstOrDefault(silo => now[silo] > before[silo], -1) is >= 0 and var driver)
            {
                return driver;
            }
        }

        throw new InvalidOperationException($"No silo drove the rollout within {DriverPatience.TotalSeconds:0} s.");
    }

    /// <summary>How long the slowest start of a silo took since this was asked last, in seconds; null: none was started.</summary>
    public double? TakeSlowestStart()
    {
        var slowest = _slowestStart;
        _slowestStart = 0;
        return slowest > 0 ? slowest : null;
    }

    /// <summary>Starts a silo and waits until it is ready.</summary>
    public async Task StartAsync(int silo) => _slowestStart = Math.Max(_slowestStart, (await Silos[silo].StartAsync()).TotalSeconds);

    /// <summary>Tells a silo to stop unless it was told, waits for its end, and starts it again.</summary>
    public async Task RestartAsync(int silo)
    {
        await Silos[silo].StopAsync();
        await StartAsync(silo);
    }

    public async Task RestartAllAsync()
    {
        for (var silo = 0; silo < SilosCount; silo++)
        {
            await RestartAsync(silo);
        }
    }

    /// <summary>Waits for the end of a silo that the others have declared dead, which learns so now; whoever supervises it starts it again.</summary>
    public async Task ReplaceAsync(int silo)
    {
        var began = Stopwatch.GetTimestamp();
        while (Silos[silo].IsRunning && Stopwatch.GetElapsedTime(began) < EndsWithin)
        {
            await Task.Delay(100);
        }

        await RestartAsync(silo);
    }

    public async Task RestartDatabaseAsync()
    {
        await Installation.Database!.StopAsync();
        await Installation.Database.StartAsync();
    }

    public async Task RestartBalancerAsync(TimeSpan away)
    {
        await Installation.Balancer!.KillAsync();
        await Task.Delay(away);
        await Installation.Balancer.StartAsync();
    }

    public Task CutAsync(int silo) => _network!.CutAsync(silo);

    public Task MendAsync(int silo) => _network!.MendAsync(silo);

    public async ValueTask DisposeAsync()
    {
        await (Deciding?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (Agents?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Installation.DisposeAsync();
        await (_network?.DisposeAsync() ?? ValueTask.CompletedTask);
        _http.Dispose();
    }

    private Task<double[]> ReadLooksAsync() => Task.WhenAll(Silos.Select(async silo =>
    {
        var text = await _http.GetStringAsync(new Uri(silo.Address, "/metrics"));
        return Looks().Matches(text).Sum(match => double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
    }));

    [GeneratedRegex(@"^policy_rollout_looks_total\{[^}]*\} ([0-9.eE+]+)$", RegexOptions.Multiline)]
    private static partial Regex Looks();
}
