using System.Diagnostics;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Benchmarks.Scale;

/// <summary>
/// What three silos answer on the processors that one has (engine Orleans): callers that ask one request after the other, each in a
/// tenant of its own, so that nothing but the machine is shared.
/// </summary>
internal static class ScaleSilos
{
    private const int Callers = 16;
    private const int Rounds = 3;
    private static readonly TimeSpan Warm = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(Report report)
    {
        var (reads, changes) = (new Dictionary<int, List<double>> { [1] = [], [3] = [] }, new Dictionary<int, List<double>> { [1] = [], [3] = [] });
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var silos in new[] { 1, 3 })
            {
                await using var installation = await Installation.StartAsync(null, await OwnDatabase.CreateAsync(), silos);
                var callers = await CallersAsync(installation);
                reads[silos].Add(await PerSecondAsync(callers, client => client.GetFleetAsync("edge")));
                changes[silos].Add(await PerSecondAsync(callers, client => client.ConfigureFleetAsync("edge", new FleetSettings())));
                Array.ForEach(callers, caller => caller.Dispose());
            }
        }

        report.Pair(new Samples($"reads of a fleet, {Callers} callers, three silos", "1/s", reads[3]), new Samples("the same, one silo", "1/s", reads[1]));
        report.Pair(new Samples($"audited changes, {Callers} callers, three silos", "1/s", changes[3]), new Samples("the same, one silo", "1/s", changes[1]));
    }

    private static Task<PolicyClient[]> CallersAsync(Installation installation) => Task.WhenAll(Enumerable.Range(0, Callers).Select(async index =>
    {
        var tenant = $"tenant-{index}";
        await installation.Admin.CreateTenantAsync(tenant);

        using var founder = new PolicyClient(installation.Admin.Options with { Tenant = tenant });
        var key = await founder.CreateKeyAsync(new NewKey { Name = "caller", Subject = "caller", Role = "operator" });

        // One silo each, in turn: all have as many. And a key each, for a key may ask only so often.
        var client = new PolicyClient(installation.Admin.Options with { Tenant = tenant, ApiKey = key.Key, Servers = [installation.Addresses[index % installation.Addresses.Length]] });
        await client.ConfigureFleetAsync("edge", new FleetSettings());
        return client;
    }));

    private static async Task<double> PerSecondAsync(PolicyClient[] callers, Func<PolicyClient, Task> ask)
    {
        await CountAsync(callers, ask, Warm);
        return await CountAsync(callers, ask, Measured) / Measured.TotalSeconds;
    }

    private static async Task<double> CountAsync(PolicyClient[] callers, Func<PolicyClient, Task> ask, TimeSpan time)
    {
        var began = Stopwatch.GetTimestamp();
        return (await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            var count = 0;
            for (; Stopwatch.GetElapsedTime(began) < time; count++)
            {
                await ask(caller);
            }

            return count;
        })))).Sum();
    }
}
