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
    private const int KeysEach = 10;
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
                Array.ForEach(callers, caller => Array.ForEach(caller, key => key.Dispose()));
            }
        }

        report.Pair(new Samples($"reads of a fleet, {Callers} callers, three silos", "1/s", reads[3]), new Samples("the same, one silo", "1/s", reads[1]));
        report.Pair(new Samples($"audited changes, {Callers} callers, three silos", "1/s", changes[3]), new Samples("the same, one silo", "1/s", changes[1]));
    }

    // One silo for each caller, in turn: all have as many. And several keys, for one may ask no more than 1,000 times a second.
    private static Task<PolicyClient[][]> CallersAsync(Installation installation) => Task.WhenAll(Enumerable.Range(0, Callers).Select(async index =>
    {
        var tenant = $"tenant-{index}";
        var silo = installation.Addresses[index % installation.Addresses.Length];
        await installation.Admin.CreateTenantAsync(tenant);

        using var founder = new PolicyClient(installation.Admin.Options with { Tenant = tenant });
        await founder.ConfigureFleetAsync("edge", new FleetSettings());
        var keys = new PolicyClient[KeysEach];
        for (var i = 0; i < keys.Length; i++)
        {
            var key = await founder.CreateKeyAsync(new NewKey { Name = $"caller-{i}", Subject = "caller", Role = "operator" });
            keys[i] = new PolicyClient(installation.Admin.Options with { Tenant = tenant, ApiKey = key.Key, Servers = [silo] });
        }

        return keys;
    }));

    private static async Task<double> PerSecondAsync(PolicyClient[][] callers, Func<PolicyClient, Task> ask)
    {
        await CountAsync(callers, ask, Warm);
        return await CountAsync(callers, ask, Measured) / Measured.TotalSeconds;
    }

    private static async Task<double> CountAsync(PolicyClient[][] callers, Func<PolicyClient, Task> ask, TimeSpan time)
    {
        var began = Stopwatch.GetTimestamp();
        return (await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            var count = 0;
            for (; Stopwatch.GetElapsedTime(began) < time; count++)
            {
                await ask(caller[count % caller.Length]);
            }

            return count;
        })))).Sum();
    }
}
