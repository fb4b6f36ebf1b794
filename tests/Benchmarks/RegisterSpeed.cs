using System.Diagnostics;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Benchmarks;

/// <summary>All nodes of a large fleet in one request; each run a fleet of its own.</summary>
internal static class RegisterSpeed
{
    private const int Nodes = 10_000;
    private const int Runs = 5;

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync();
        var registrations = Installation.Registrations(Nodes);
        var times = new List<double>();
        for (var run = 0; run < Runs; run++)
        {
            var fleet = $"fleet-{run}";
            await installation.Admin.ConfigureFleetAsync(fleet, new FleetSettings());
            var start = Stopwatch.GetTimestamp();
            await installation.Admin.RegisterNodesAsync(fleet, registrations);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        report.Row(new Samples($"{Nodes:N0} registrations in one batch", "ms", times));
    }
}
