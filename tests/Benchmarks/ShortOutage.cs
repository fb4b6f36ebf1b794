using System.Diagnostics;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// PostgreSQL, then the control plane, is away for 20 s in the middle of a rollout over 1,000 agents with the shipped lease of 45 s.
/// Nobody may refuse a decision, nothing may be lost, and the rollout goes on by itself: what does not hold ends the benchmark.
/// </summary>
internal static class ShortOutage
{
    private const string Fleet = "edge";
    private const double HourSeconds = 20;
    private const int Nodes = 1_000;
    private static readonly double ReportIntervalSec = new FleetSettings().ReportIntervalSec;
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds, await OwnDatabase.CreateAsync());
        await installation.AddFleetAsync(Fleet, Nodes, ReportIntervalSec);
        await installation.PublishNextAsync();
        await using var agents = await Agents.StartAsync(installation, Fleet, Nodes);
        await agents.UntilAllOnAsync(installation.V1);
        await using var deciding = new Deciding(agents);
        var plane = installation.ControlPlane;
        await RunAsync(report, "PostgreSQL stopped", installation.Database!.StopAsync, installation.Database!.StartAsync);
        await RunAsync(report, "control plane killed", plane.KillAsync, plane.StartAsync);
        await RunAsync(report, "control plane frozen", () => plane.SignalAsync("STOP"), () => plane.SignalAsync("CONT"));

        async Task RunAsync(Report to, string what, Func<Task> stop, Func<Task> start)
        {
            var rollout = (await installation.RollOutAsync(Fleet)).RolloutId;
            await installation.UntilAsync(rollout, view => view.Nodes?.Acked == Nodes / 4);
            var (made, refused) = (deciding.Made, deciding.Refused);
            var began = Stopwatch.GetTimestamp();
            await stop();
            var answers = await AskAsync(installation, began);
            await start();
            await installation.UntilAsync(rollout, view => view is { Percentage: 100, Nodes.Acked: Nodes });
            (made, refused) = (deciding.Made - made, deciding.Refused - refused);
            await ExpectWholeAsync(installation, rollout);
            to.Row(
                new Samples($"{what} for {Away.TotalSeconds:0} s: decisions refused by {Nodes:N0} agents until all are on the next stage", "decisions", [refused]),
                $"of {made:N0}; an update meanwhile: {answers}");
            await GoBackAsync(installation, rollout);
        }
    }

    // One update after the other until the time is over: what each is answered.
    private static async Task<string> AskAsync(Installation installation, long began)
    {
        using var client = new PolicyClient(installation.Admin.Options with { MaxAttempts = 1, Timeout = TimeSpan.FromSeconds(6) });
        var answers = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (; Stopwatch.GetElapsedTime(began) < Away; await Task.Delay(500))
        {
            string answer;
            try
            {
                await client.ConfigureFleetAsync("other", new FleetSettings());
                answer = "200";
            }
            catch (PolicyApiException e)
            {
                answer = $"{e.Status} {e.Code}";
            }
            catch (PolicyUnreachableException)
            {
                answer = "none";
            }

            answers[answer] = answers.GetValueOrDefault(answer) + 1;
        }

        return string.Join(", ", answers.Select(answer => $"{answer.Key} ({answer.Value})"));
    }

    // No stage skipped or entered twice, and every entry in the chain.
    private static async Task ExpectWholeAsync(Installation installation, string rollout)
    {
        var audit = await installation.Admin.VerifyAuditAsync();
        var view = await installation.Admin.GetRolloutAsync(rollout);
        if (!audit.Valid || view.State != RolloutPhase.Active)
        {
            throw new InvalidOperationException($"The rollout is {view.State}, the audit {(audit.Valid ? "whole" : "broken")}.");
        }
    }

    private static async Task GoBackAsync(Installation installation, string rollout)
    {
        await installation.Admin.RollBackAsync(rollout, "benchmark");
        await installation.UntilAsync(rollout, view => view.Rollback?.OverAt is not null);
        await installation.Admin.ReleaseAsync(Fleet, installation.V2, "benchmark");
    }
}
