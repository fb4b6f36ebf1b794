using System.Reflection;
using OrleansPolicy.Client;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>Lets one kind of fault happen: at a random instant of a rollout's first stage, and at the instant of a rollback.</summary>
internal sealed class FaultRuns(FaultKind kind, FaultSite site, int nodes)
{
    private static readonly string Commit = (typeof(FaultRuns).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+') is [_, { Length: >= 12 } sha]
        ? sha[..12]
        : "unknown";

    private static readonly string Engine = typeof(Silo.Hosting.PolicyHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Engine").Value!;

    private readonly Installation _installation = site.Installation;

    public Task<FaultRun> InAStageAsync() => MeasureAsync(FaultRun.InAStage, async () =>
    {
        var rollout = await BeginAsync();
        var first = await _installation.UntilAsync(rollout, view => view.Nodes?.Acked == nodes / 4);
        var driver = await site.FindDriverAsync();
        var instant = first.StageStartedAt + TimeSpan.FromSeconds(FaultSite.HourSeconds * Random.Shared.NextDouble());
        await UntilAsync(instant);
        var broken = DateTimeOffset.UtcNow;
        await kind.BreakAsync(site, driver);
        var next = await _installation.UntilAsync(rollout, view => view.StageIndex == 1);
        await _installation.UntilAsync(rollout, view => view.Nodes?.Acked == nodes);
        await kind.MendAsync(site, driver, broken);
        await _installation.Admin.RollBackAsync(rollout, "benchmark");
        var due = first.StageStartedAt + TimeSpan.FromSeconds(FaultSite.HourSeconds);
        return (rollout, run => run with { NextStageLateSeconds = Math.Max(0, (next.StageStartedAt - (due > broken ? due : broken)).TotalSeconds) });
    });

    public Task<FaultRun> AtARollbackAsync() => MeasureAsync(FaultRun.AtARollback, async () =>
    {
        var rollout = await BeginAsync();
        await _installation.UntilAsync(rollout, view => view.StageIndex == 1 && view.Nodes?.Acked == nodes);
        var driver = await site.FindDriverAsync();
        var asked = DateTimeOffset.UtcNow;
        var asking = AskBackAsync(rollout);

        // From before the transaction to after the first nodes have heard of it.
        await Task.Delay(Random.Shared.Next(40));
        var broken = DateTimeOffset.UtcNow;
        await kind.BreakAsync(site, driver);
        await asking;
        var over = (await _installation.UntilAsync(rollout, view => view.Rollback?.OverAt is not null)).Rollback!;
        await kind.MendAsync(site, driver, broken);
        return (rollout, run => run with { BackSeconds = ((over.LastAckAt ?? over.OverAt!.Value) - asked).TotalSeconds });
    });

    // What holds for both instants: who was refused meanwhile, and whether everybody is back and everything is written down.
    private async Task<FaultRun> MeasureAsync(string instant, Func<Task<(string Rollout, Func<FaultRun, FaultRun> Add)>> happen)
    {
        var at = DateTimeOffset.UtcNow;
        var (made, refused) = (site.Deciding.Made, site.Deciding.Refused);
        site.Deciding.TakeLongestRefusal();
        site.TakeSlowestStart();
        var (rollout, add) = await happen();
        var view = await _installation.UntilAsync(rollout, now => now.Rollback?.OverAt is not null);
        await site.Agents.UntilAllOnAsync(_installation.V1);
        var entries = await _installation.Admin.FindAuditAsync(new AuditQuery($"fleets/{FaultSite.Fleet}/rollouts/{rollout}"), 100);
        var audit = await _installation.Admin.VerifyAuditAsync();
        return add(new FaultRun
        {
            At = at,
            Commit = Commit,
            Engine = Engine,
            Processors = Environment.ProcessorCount,
            Kind = kind.Name,
            Instant = instant,
            Agents = nodes,
            Decisions = site.Deciding.Made - made,
            Refused = site.Deciding.Refused - refused,
            LongestRefusalSeconds = site.Deciding.TakeLongestRefusal().TotalSeconds,
            SiloStartSeconds = site.TakeSlowestStart(),
            StagesWrong = Math.Abs(Count("rollout.advanced") - 1),
            AuditLost = Math.Abs(Count("rollout.started") - 1) + Math.Abs(Count("rollout.rolled_back") - 1) + (audit.Valid ? 0 : 1),
            NodesNotBack = nodes - (view.Rollback!.Nodes?.Acked ?? 0),
        });

        int Count(string action) => entries.Count(entry => entry.Draft.Action == action);
    }

    private async Task<string> BeginAsync()
    {
        await site.Agents.UntilAllOnAsync(_installation.V1);
        foreach (var taken in await _installation.Admin.ListQuarantineAsync(FaultSite.Fleet))
        {
            await _installation.Admin.ReleaseAsync(FaultSite.Fleet, taken.PolicyHash, "benchmark");
        }

        return (await _installation.RollOutAsync(FaultSite.Fleet)).RolloutId;
    }

    private async Task AskBackAsync(string rollout)
    {
        try
        {
            await _installation.Admin.RollBackAsync(rollout, "benchmark");
        }
        catch (PolicyApiException e) when (e.Code == "rollout.state")
        {
            // It was durable, and the first answer got lost.
        }
    }

    private static async Task UntilAsync(DateTimeOffset instant)
    {
        var left = instant - DateTimeOffset.UtcNow;
        await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }
}
