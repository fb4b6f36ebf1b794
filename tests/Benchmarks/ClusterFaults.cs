using System.Diagnostics;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Three silos on one PostgreSQL, agents that know all three and decide twenty times a second. Something breaks at a random instant of
/// a stage, and at the instant of a rollback; the silos take turns, so that each third run hits the one that drives the rollout. What must
/// hold in every run ends the benchmark where it does not.
/// </summary>
internal sealed class ClusterFaults(Installation installation, Agents agents, Deciding deciding, Report report, int nodes, int runs)
{
    private const string Fleet = "edge";
    private const double HourSeconds = 6;
    private const int Silos = 3;
    private static readonly TimeSpan Frozen = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan RollbackBound = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Report report, int nodes, int runs, bool quick = true, bool frozen = true)
    {
        await using var installation = await Installation.StartAsync(HourSeconds, await OwnDatabase.CreateAsync(), Silos);
        await installation.AddFleetAsync(Fleet, nodes);
        await installation.PublishNextAsync();
        await using var agents = await Agents.StartAsync(installation, Fleet, nodes);
        await agents.UntilAllOnAsync(installation.V1);
        await using var deciding = new Deciding(agents);
        var faults = new ClusterFaults(installation, agents, deciding, report, nodes, runs);
        if (quick)
        {
            await faults.RunAsync("nothing", _ => Task.CompletedTask, _ => Task.CompletedTask);
            await faults.RunAsync("silo killed", silo => silo.KillAsync(), silo => silo.StartAsync());
            await faults.RunAsync("silo told to stop", silo => silo.SignalAsync("TERM"), RestartAsync);
            await faults.RunAsync("PostgreSQL restarted", _ => faults.RestartDatabaseAsync(), _ => Task.CompletedTask);
        }

        if (frozen)
        {
            await faults.RunAsync($"silo frozen for {Frozen.TotalSeconds:0} s", silo => silo.SignalAsync("STOP"), ThawAsync);
        }
    }

    private async Task RunAsync(string what, Func<ControlPlane, Task> breaks, Func<ControlPlane, Task> mends)
    {
        var (late, back) = (new List<double>(), new List<double>());
        var (made, refused) = (deciding.Made, deciding.Refused);
        for (var run = 0; run < runs; run++)
        {
            late.Add(await InAStageAsync(installation.Silos[run % Silos], breaks, mends));
            back.Add(await AtARollbackAsync(installation.Silos[(run + 1) % Silos], breaks, mends));
        }

        (made, refused) = (deciding.Made - made, deciding.Refused - refused);
        report.Row(new Samples($"{what} in a stage: the next stage begins later than due by", "s", late));
        report.Row(new Samples($"{what} at a rollback: asked for to the last ACK of {nodes:N0} nodes", "s", back));
        report.Row(new Samples($"{what}: decisions refused in these runs", "decisions", [refused]), $"of {made:N0}");
    }

    private async Task<double> InAStageAsync(ControlPlane silo, Func<ControlPlane, Task> breaks, Func<ControlPlane, Task> mends)
    {
        var rollout = await BeginAsync();
        var first = await installation.UntilAsync(rollout, view => view.Nodes?.Acked == nodes / 4);
        await Task.Delay(TimeSpan.FromSeconds(HourSeconds * Random.Shared.NextDouble() / 2));
        var broken = DateTimeOffset.UtcNow;
        await breaks(silo);
        var next = await installation.UntilAsync(rollout, view => view.StageIndex == 1);
        await installation.UntilAsync(rollout, view => view.Nodes?.Acked == nodes);
        var due = first.StageStartedAt + TimeSpan.FromSeconds(HourSeconds);
        await mends(silo);
        await installation.Admin.RollBackAsync(rollout, "benchmark");
        await EndAsync(rollout, stages: 1);
        return Math.Max(0, (next.StageStartedAt - (due > broken ? due : broken)).TotalSeconds);
    }

    private async Task<double> AtARollbackAsync(ControlPlane silo, Func<ControlPlane, Task> breaks, Func<ControlPlane, Task> mends)
    {
        var rollout = await BeginAsync();
        await installation.UntilAsync(rollout, view => view.StageIndex == 1 && view.Nodes?.Acked == nodes);
        var asked = DateTimeOffset.UtcNow;
        var asking = AskBackAsync(rollout);

        // From before the transaction to after the first nodes have heard of it.
        await Task.Delay(Random.Shared.Next(40));
        await breaks(silo);
        await asking;
        var over = await EndAsync(rollout, stages: 1);
        await mends(silo);
        var took = over.LastAckAt!.Value - asked;
        return took <= RollbackBound ? took.TotalSeconds : throw new InvalidOperationException($"The way back took {took.TotalSeconds:0.0} s.");
    }

    private async Task<string> BeginAsync()
    {
        await agents.UntilAllOnAsync(installation.V1);
        foreach (var taken in await installation.Admin.ListQuarantineAsync(Fleet))
        {
            await installation.Admin.ReleaseAsync(Fleet, taken.PolicyHash, "benchmark");
        }

        return (await installation.RollOutAsync(Fleet)).RolloutId;
    }

    // All nodes are back, no stage was skipped or entered twice, and the chain of the audit is whole.
    private async Task<RollbackView> EndAsync(string rollout, int stages)
    {
        var view = await installation.UntilAsync(rollout, now => now.Rollback?.OverAt is not null);
        await agents.UntilAllOnAsync(installation.V1);
        var entries = await installation.Admin.FindAuditAsync(new AuditQuery($"fleets/{Fleet}/rollouts/{rollout}"), 100);
        var audit = await installation.Admin.VerifyAuditAsync();
        var (started, advanced, returned) = (Count("rollout.started"), Count("rollout.advanced"), Count("rollout.rolled_back"));
        return audit.Valid && (started, advanced, returned) == (1, stages, 1) && view.Rollback!.Nodes is { } counts && (counts.Nodes, counts.Acked) == (nodes, nodes)
            ? view.Rollback
            : throw new InvalidOperationException(
                $"Started {started}, advanced {advanced}, taken back {returned} times; nodes {view.Rollback!.Nodes}; the audit is {(audit.Valid ? "whole" : "broken")}.");

        int Count(string action) => entries.Count(entry => entry.Draft.Action == action);
    }

    private async Task AskBackAsync(string rollout)
    {
        try
        {
            await installation.Admin.RollBackAsync(rollout, "benchmark");
        }
        catch (PolicyApiException e) when (e.Code == "rollout.state")
        {
            // It was durable, and the first answer got lost.
        }
    }

    private async Task RestartDatabaseAsync()
    {
        await installation.Database!.StopAsync();
        await installation.Database.StartAsync();
    }

    private static async Task RestartAsync(ControlPlane silo)
    {
        await silo.StopAsync();
        await silo.StartAsync();
    }

    // The others have declared it dead; it learns so when it goes on, and ends. Whoever supervises it starts it again.
    private static async Task ThawAsync(ControlPlane silo)
    {
        await Task.Delay(Frozen);
        await silo.SignalAsync("CONT");
        var began = Stopwatch.GetTimestamp();
        while (silo.IsRunning && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20))
        {
            await Task.Delay(100);
        }

        await RestartAsync(silo);
    }
}
