using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>What rollouts cost that only wait: the process of the control plane, without PostgreSQL, without polls.</summary>
internal static class IdleCost
{
    private const int Fleets = 200;
    private const int NodesEach = 10;
    private const int Runs = 3;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync();
        await Task.Delay(Settle);
        var empty = await PercentAsync(installation);
        var rollouts = new List<string>(Fleets);
        for (var i = 0; i < Fleets; i++)
        {
            await installation.AddFleetAsync($"fleet-{i}", NodesEach);
        }

        await installation.PublishNextAsync();
        for (var i = 0; i < Fleets; i++)
        {
            rollouts.Add((await installation.RollOutAsync($"fleet-{i}")).RolloutId);
        }

        await Task.Delay(Settle);
        var busy = await PercentAsync(installation);
        foreach (var rollout in rollouts)
        {
            await installation.UntilAsync(rollout, view => view.State == RolloutPhase.Active);
        }

        report.Row(new Samples($"processor time, {Fleets} active rollouts in {Fleets} fleets", "% of a core", busy), $"over {Span.TotalSeconds:0} s each");
        report.Row(new Samples("processor time, nothing to do", "% of a core", empty));
    }

    private static async Task<List<double>> PercentAsync(Installation installation)
    {
        var runs = new List<double>(Runs);
        for (var run = 0; run < Runs; run++)
        {
            var before = installation.ControlPlane.ProcessorTime;
            await Task.Delay(Span);
            runs.Add(100 * (installation.ControlPlane.ProcessorTime - before) / Span);
        }

        return runs;
    }
}
