using System.Globalization;
using OrleansPolicy.Client;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>A fleet of real agents runs v2; an operator takes it back. The agents share this machine with the control plane.</summary>
internal static class RollbackSpeed
{
    private const string Fleet = "edge";
    private const double HourSeconds = 3;
    private const int Nodes = 1_000;
    private const int Runs = 20;

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds);
        await installation.AddFleetAsync(Fleet, Nodes);
        await installation.PublishNextAsync();
        await using var agents = await Agents.StartAsync(installation, Fleet, Nodes);
        var (durable, swapped, acked) = (new List<double>(), new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            var rollout = await BringToAllAsync(installation, agents);
            await installation.Admin.RollBackAsync(rollout, "benchmark");
            await agents.UntilAllOnAsync(installation.V1);
            var back = await ReturnedAsync(installation, rollout);
            durable.Add(back.DurableMs!.Value);
            swapped.Add((agents.LastSwapAt - back.DurableAt!.Value).TotalMilliseconds);
            acked.Add(back.LastAckMs!.Value);
        }

        report.Row(new Samples("rollback: decision to durable", "ms", durable));
        report.Row(new Samples($"rollback: durable to the last swap on {Nodes:N0} nodes", "ms", swapped), "as the nodes say");
        report.Row(new Samples($"rollback: durable to the last ACK of {Nodes:N0} nodes", "ms", acked), "as the control plane says");
    }

    public static async Task RunKilledAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds);
        await installation.AddFleetAsync(Fleet, Nodes);
        await installation.PublishNextAsync();
        await using var agents = await Agents.StartAsync(installation, Fleet, Nodes);
        var (restarted, acked) = (new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            var rollout = await BringToAllAsync(installation, agents);
            var asked = DateTimeOffset.UtcNow;
            var asking = AskAsync(installation, rollout);

            // From before the transaction to after the first nodes have heard of it.
            await Task.Delay(run * 2);
            await installation.ControlPlane.KillAsync();
            restarted.Add((await installation.ControlPlane.StartAsync()).TotalMilliseconds);
            await asking;
            await agents.UntilAllOnAsync(installation.V1);
            var back = await ReturnedAsync(installation, rollout);
            acked.Add((back.LastAckAt!.Value - asked).TotalMilliseconds);
        }

        report.Row(new Samples("control plane killed: start again to ready", "ms", restarted));
        report.Row(
            new Samples($"rollback, killed at the decision: asked for to the last ACK of {Nodes:N0} nodes", "ms", acked),
            string.Create(CultureInfo.InvariantCulture, $"killed 0 to {(Runs - 1) * 2} ms after the request was sent"));
    }

    private static async Task<string> BringToAllAsync(Installation installation, Agents agents)
    {
        await agents.UntilAllOnAsync(installation.V1);
        foreach (var taken in await installation.Admin.ListQuarantineAsync(Fleet))
        {
            await installation.Admin.ReleaseAsync(Fleet, taken.PolicyHash, "benchmark");
        }

        var rollout = (await installation.RollOutAsync(Fleet)).RolloutId;
        await installation.UntilAsync(rollout, view =>
        {
            // The criteria of the first stage want samples.
            agents.DecideOnce();
            return view.Percentage == 100;
        });
        await agents.UntilAllOnAsync(installation.V2);
        await installation.UntilAsync(rollout, view => view.Nodes?.Acked == Nodes);
        return rollout;
    }

    private static async Task<RollbackView> ReturnedAsync(Installation installation, string rollout)
    {
        var back = (await installation.UntilAsync(rollout, view => view.Rollback?.OverAt is not null)).Rollback!;
        return back.Nodes is { Nodes: Nodes, Acked: Nodes }
            ? back
            : throw new InvalidOperationException($"Not all nodes went back: {back.Nodes}");
    }

    private static async Task AskAsync(Installation installation, string rollout)
    {
        try
        {
            await installation.Admin.RollBackAsync(rollout, "benchmark");
        }
        catch (PolicyApiException e) when (e.Code == "rollout.state")
        {
            // It was durable before the kill, and the first answer got lost.
        }
    }
}
