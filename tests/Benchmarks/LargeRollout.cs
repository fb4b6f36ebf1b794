using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// A hundred thousand nodes behind ten relays go to another bundle in four stages and back: how long until all of them have heard of each
/// change, until all that are assigned the bundle have ACKed it, and what memory the control plane needs for it.
/// </summary>
internal static class LargeRollout
{
    private const string Fleet = "edge";
    private const int Relays = 10;
    private const double HourSeconds = 15;

    // The longest that a fleet may choose: relays, the control plane and its PostgreSQL share two cores.
    private const double ReportIntervalSec = 7;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly string[] Criteria = ["error_rate < 0.01"];

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync(HourSeconds);
        await installation.Admin.ConfigureFleetAsync(Fleet, new FleetSettings { ReportIntervalSec = ReportIntervalSec });
        var key = (await installation.Admin.CreateKeyAsync(new NewKey { Name = "relay", Subject = "relay", Role = "relay", Fleet = Fleet })).Key;
        var relays = new List<RelayedNodes>();
        try
        {
            for (var relay = 0; relay < Relays; relay++)
            {
                relays.Add(await RelayedNodes.RegisterAsync(
                    installation.ControlPlane.Address, Fleet, key, relay, TimeSpan.FromSeconds(ReportIntervalSec)));
            }

            await installation.Admin.SetBaselineAsync(Fleet, installation.V1, "benchmark");
            await installation.PublishNextAsync();
            for (var relay = 0; relay < Relays; relay++)
            {
                relays[relay].Start(TimeSpan.FromSeconds(relay * ReportIntervalSec / Relays));
            }

            await UntilAllNoticedAsync(relays, (await installation.Admin.GetFleetAsync(Fleet)).Directive.Epoch);
            await RunAsync(report, installation, relays);
        }
        finally
        {
            await Task.WhenAll(relays.Select(relay => relay.DisposeAsync().AsTask()));
        }
    }

    private static async Task RunAsync(Report report, Installation installation, List<RelayedNodes> relays)
    {
        var (noticed, acked) = (new List<double>(), new List<double>());
        var view = await installation.Admin.StartRolloutAsync(
            new NewRollout { Fleet = Fleet, Ref = installation.V2, RolloutWedge = Plan(), Reason = "benchmark" });
        while (true)
        {
            var (stage, began) = (view.StageIndex, view.StageStartedAt);
            noticed.Add((await UntilAllNoticedAsync(relays, view.Epoch) - began).TotalSeconds);
            await installation.UntilAsync(view.RolloutId, now => now.StageIndex > stage || now.Nodes is { Assigned: > 0 } nodes && nodes.Acked == nodes.Assigned);
            acked.Add((DateTimeOffset.UtcNow - began).TotalSeconds);
            if (view.Percentage >= 100)
            {
                break;
            }

            view = await installation.UntilAsync(view.RolloutId, now => now.StageIndex > stage || now.State != RolloutPhase.Active);
            if (view.State != RolloutPhase.Active)
            {
                throw new InvalidOperationException($"The rollout is {view.State}: {view.Why.Sentence}");
            }
        }

        var back = await installation.Admin.RollBackAsync(view.RolloutId, "benchmark");
        var all = await UntilAllNoticedAsync(relays, back.Epoch);
        var over = (await installation.UntilAsync(view.RolloutId, now => now.Rollback?.OverAt is not null)).Rollback!;
        var nodes = (Relays * RelayedNodes.Count).ToString("N0", CultureInfo.InvariantCulture);
        var note = $"{relays.Sum(relay => relay.Troubles)} batches failed, {relays.Sum(relay => relay.Rejected)} reports were rejected";
        report.Row(new Samples($"stage change of {nodes} nodes: decided to the last node that heard of it", "s", noticed), note);
        report.Row(new Samples("decided to all assigned nodes having ACKed it", "s", acked));
        report.Row(new Samples($"way back of {nodes} nodes: decided to the last node that heard of it", "s", [(all - over.DecidedAt).TotalSeconds]));
        report.Row(new Samples("detected to over", "s", [over.OverMs!.Value / 1_000]));
        report.Row(new Samples("memory of the control plane, highest", "MB", [installation.ControlPlane.PeakMegabytes]), "resident, without PostgreSQL");
    }

    private static async Task<DateTimeOffset> UntilAllNoticedAsync(List<RelayedNodes> relays, long epoch)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (relays.Exists(relay => relay.NoticedAt(epoch) is null))
        {
            await Task.Delay(50, patience.Token);
        }

        return relays.Max(relay => relay.NoticedAt(epoch)!.Value);
    }

    private static JsonElement Plan() => JsonSerializer.SerializeToElement(new
    {
        wedge_stages = new[] { Stage("one", 25), Stage("two", 50), Stage("three", 75), Stage("all", 100) },
        initial_percentage = 25,
        increment_policy = "linear",
        max_blast_radius = 100,
        observation_window_hours = 1,
    });

    // The last one stays as it is until it is taken back.
    private static object Stage(string id, int percentage) => new
    {
        stage_id = id,
        target_percentage = percentage,
        duration_hours = percentage < 100 ? 1 : 8_000,
        success_criteria = Criteria,
        rollback_trigger = "error_rate > 0.05",
    };
}
