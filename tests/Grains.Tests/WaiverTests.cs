using System.Text.Json.Nodes;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>A rollout that rests on a waiver starts while that is in force, also where it is taken back in the last moment.</summary>
public class WaiverTests(PostgresServer server)
{
    private const string Id = "w1";

    [Fact]
    public async Task A_waiver_that_is_taken_back_between_the_decision_and_its_commit_starts_nothing()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);
        await ApproveAsync(cluster);
        var starts = 0;
        cluster.Faults.BeforeCommit = async (_, change) =>
        {
            if (change.Rollout is { ExpectedRevision: 0 } && Interlocked.Increment(ref starts) == 1)
            {
                await WriteAsync(cluster, WaiverRules.Revoke((await ReadAsync(cluster))!.Read<Waiver>(), As("bob").By, cluster.Clock.GetUtcNow()).Value!);
            }
        };

        var refused = await StartUnderAsync(cluster, "r1");

        Assert.Equal(1, starts);
        Assert.Equal(WaiverRules.NotInForceCode, Code(refused));
        Assert.Null(await cluster.Store.ReadRolloutAsync(Tenant, "r1"));
    }

    [Fact]
    public async Task A_rollout_that_has_started_under_a_waiver_goes_on_when_that_is_taken_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var fleet = await cluster.PrepareFleetAsync(16);
        await ApproveAsync(cluster);
        var started = Value(await StartUnderAsync(cluster, "r1"));
        await WriteAsync(cluster, WaiverRules.Revoke((await ReadAsync(cluster))!.Read<Waiver>(), As("bob").By, cluster.Clock.GetUtcNow()).Value!);

        await UntilAsync(
            async () =>
            {
                await fleet.PassAsync("r1", TimeSpan.FromSeconds(4));
                return (await cluster.GetAsync("r1")).State == RolloutPhase.Complete;
            },
            "the rollout");
        Assert.Equal(Id, started.WaiverId);
    }

    private static Task<Outcome<RolloutView>> StartUnderAsync(PolicyCluster cluster, string rolloutId)
    {
        var plan = JsonNode.Parse(Plans.Doubling)!;
        var stages = plan["wedge_stages"]!.AsArray();
        while (stages.Count > 1)
        {
            stages.RemoveAt(0);
        }

        plan["initial_percentage"] = 100;
        return cluster.Grains.Rollout(Tenant, rolloutId).StartAsync(
            new StartRollout(Fleet, "2.0.0", Plans.Read(plan.ToJsonString()), false, "at once") { WaiverId = Id }, As("olga"));
    }

    private static async Task ApproveAsync(PolicyCluster cluster)
    {
        var now = cluster.Clock.GetUtcNow();
        await WriteAsync(cluster, new Waiver
        {
            WaiverId = Id,
            Fleet = Fleet,
            Rule = Waiver.MultiStage,
            Reason = "small",
            RequestedBy = As("olga").By,
            RequestedAt = now,
            ExpiresAt = now.AddDays(30),
            Approvals = [new WaiverApproval(As("bob").By, "fine", now), new WaiverApproval(As("eve").By, "fine", now)],
        });
    }

    private static async Task<StoredControl?> ReadAsync(PolicyCluster cluster) =>
        (await cluster.Store.ListControlsAsync(Tenant, ControlKinds.Waiver, Id)).SingleOrDefault();

    private static async Task WriteAsync(PolicyCluster cluster, Waiver waiver)
    {
        var written = await cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [new AuditDraft { At = cluster.Clock.GetUtcNow(), Actor = "bob", Action = "waiver.changed", Subject = "waivers/" + Id }],
            Control = ControlWrite.Of(ControlKinds.Waiver, Id, waiver, (await ReadAsync(cluster))?.Revision ?? 0),
        });
        Assert.Equal(CommitStatus.Committed, written.Status);
    }
}
