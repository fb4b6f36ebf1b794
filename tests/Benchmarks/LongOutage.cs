using System.Diagnostics;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// The control plane, or PostgreSQL, is away until the shipped lease of 45 s has ended on every agent; then it returns. The return
/// is the moment at which the control plane's port, or PostgreSQL, takes connections again.
/// </summary>
internal static class LongOutage
{
    private const string Fleet = "edge";

    // Some time after the last has stopped serving: an agent that waits longer and longer would have reached its longest wait.
    private static readonly TimeSpan Longer = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(15);

    // The longest that a fleet may choose: all of this shares two cores.
    private const double ReportIntervalSec = 7;

    public static async Task RunAsync(Report report, int nodes)
    {
        await using var installation = await Installation.StartAsync(hourSeconds: null, await OwnDatabase.CreateAsync());
        await installation.AddFleetAsync(Fleet, nodes, ReportIntervalSec);
        await using var agents = await Agents.StartAsync(installation, Fleet, nodes);
        await agents.UntilAllOnAsync(installation.V1);
        await using var deciding = new Deciding(agents);
        var plane = installation.ControlPlane;
        await OnceAsync("control plane killed", plane.KillAsync, plane.StartListeningAsync);
        await OnceAsync("PostgreSQL stopped", installation.Database!.StopAsync, installation.Database!.StartAsync);

        async Task OnceAsync(string what, Func<Task> stop, Func<Task> start)
        {
            await Task.Delay(Settle);
            var stopped = Stopwatch.GetTimestamp();
            await stop();
            var stale = await deciding.UntilAllAsync(serve: false);
            await Task.Delay(Longer);
            await start();
            var returned = Stopwatch.GetTimestamp();
            var failed = agents.Nodes.Select(node => node.Status.PollsFailed).ToArray();
            var served = await deciding.UntilAllAsync(serve: true);
            await Task.Delay(Settle);
            var after = agents.Nodes.Select((node, index) => (double)(node.Status.PollsFailed - failed[index])).ToArray();
            report.Row(new Samples($"{what}: until all of {nodes:N0} agents refuse as stale", "s", [Stopwatch.GetElapsedTime(stopped, stale).TotalSeconds]));
            report.Row(new Samples($"{what}: from its return until all of {nodes:N0} agents serve", "s", [Stopwatch.GetElapsedTime(returned, served).TotalSeconds]));
            report.Row(new Samples($"{what}: polls that failed after its return, an agent", "polls", after), $"{after.Sum():0} in all");
        }
    }
}
