using OrleansPolicy.Client;

namespace OrleansPolicy.Benchmarks;

/// <summary>A fleet of real agents is disarmed and armed again, over and over. The agents share this machine with the control plane.</summary>
internal static class DisarmSpeed
{
    private const string Fleet = "edge";
    private const int Nodes = 1_000;
    private const int Runs = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync();
        await installation.AddFleetAsync(Fleet, Nodes);
        var settings = (await installation.Admin.GetFleetAsync(Fleet)).Settings;
        await using var agents = await Agents.StartAsync(installation, Fleet, Nodes);
        await agents.UntilAllOnAsync(installation.V1);
        await installation.Admin.ConfigureFleetAsync(Fleet, settings with { RequiresArmed = true });
        await ArmAsync(installation, agents);
        var (durable, stopped, answered) = (new List<double>(), new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            var asked = DateTimeOffset.UtcNow;
            var answer = await installation.Admin.DisarmAsync(ArmTarget.Fleet(Fleet), "benchmark", wait: Patience);
            var answeredAt = DateTimeOffset.UtcNow;
            if (answer is not { Confirmed: Nodes, UnconfirmedCount: 0 } || agents.Nodes.Any(node => node.Decide("gateway.health.read", default).Decision.Reason != "decide.disarmed"))
            {
                throw new InvalidOperationException($"Not all nodes are disarmed: {answer}");
            }

            durable.Add((answer.At - asked).TotalMilliseconds);
            stopped.Add((agents.LastArmedAt - asked).TotalMilliseconds);
            answered.Add((answeredAt - asked).TotalMilliseconds);
            await ArmAsync(installation, agents);
        }

        report.Row(new Samples("disarm: asked to decided", "ms", durable));
        report.Row(new Samples($"disarm: asked to the last of {Nodes:N0} nodes denying", "ms", stopped), "as the nodes say");
        report.Row(new Samples($"disarm: asked to the answer that all {Nodes:N0} confirmed", "ms", answered), "as the control plane says");
    }

    private static async Task ArmAsync(Installation installation, Agents agents)
    {
        var answer = await installation.Admin.ArmAsync(ArmTarget.Fleet(Fleet), "benchmark", wait: Patience);
        if (answer is not { Armed: true, UnconfirmedCount: 0 })
        {
            throw new InvalidOperationException($"Not all nodes are armed: {answer}");
        }

        await agents.UntilAllOnAsync(installation.V1);
    }
}
