using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>What a way back asks of the store: one change ends one rollout and begins another, quarantine, what a fleet ran as a whole.</summary>
public abstract class ReturnContract : StoreContract
{
    private static readonly string A = new('a', 64);

    [Fact]
    public async Task What_is_in_flight_ends_in_the_change_that_takes_its_place()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Rollout = Write("r1", 1, deadlines: new RolloutDeadline("look", Now)) });

        var second = await Store.Rollouts.CommitAsync(Change() with { Rollout = Write("f1", 1) });
        await CommitAsync(Change() with
        {
            Superseded = Write("r1", 2, RolloutPhase.RolledBack),
            Rollout = Write("f1", 1, RolloutPhase.Active, new RolloutDeadline("look", Now.AddSeconds(1)), new RolloutDeadline("rollback", Now.AddSeconds(60))),
            Directive = new DirectiveWrite("edge", DirectiveAt(1), 0),
            Quarantined = [Held(A)],
        });

        Assert.Equal(ConflictNames.RolloutInFlight, second.Detail);
        Assert.Equal(RolloutPhase.RolledBack, (await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"))!.Phase);
        Assert.Equal(RolloutPhase.Active, (await Store.Rollouts.ReadRolloutAsync(Tenant, "f1"))!.Phase);
        Assert.DoesNotContain(await Store.Rollouts.ReadOverdueAsync(Now.AddDays(1), 1_000), due => due.Tenant == Tenant && due.RolloutId == "r1");
    }

    [Fact]
    public async Task A_stale_end_leaves_everything_as_it_was()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Rollout = Write("r1", 1) });
        await CommitAsync(Change() with { Rollout = Write("r1", 2) });

        var stale = await Store.Rollouts.CommitAsync(Change() with
        {
            Superseded = Write("r1", 2, RolloutPhase.RolledBack),
            Rollout = Write("f1", 1),
            Directive = new DirectiveWrite("edge", DirectiveAt(1), 0),
            Quarantined = [Held(A)],
        });

        Assert.Equal(CommitStatus.Stale, stale.Status);
        Assert.Null(await Store.Rollouts.ReadRolloutAsync(Tenant, "f1"));
        Assert.Empty(await Store.Rollouts.ListQuarantineAsync(Tenant, "edge"));
        Assert.Equal(0, (await Store.Rollouts.ReadFleetAsync(Tenant, "edge"))!.Directive.Epoch);
    }

    [Fact]
    public async Task A_way_back_that_is_not_over_keeps_its_fleet_in_flight()
    {
        await MakeFleetWithBundleAsync();
        var back = new WayBack { Epoch = 2, From = DirectiveAt(1), DetectedAt = Now, DecidedAt = Now, DeadlineSec = 60 };
        var state = State("r1", 2, RolloutPhase.RolledBack) with { Return = back };
        await CommitAsync(Change() with { Rollout = Write("r1", 1) });
        await CommitAsync(Change() with { Rollout = new RolloutWrite(state, 1, []) });

        var refused = await Store.Rollouts.CommitAsync(Change() with { Rollout = Write("r2", 1) });
        var over = state with { Revision = 3, Return = back with { DurableAt = Now, OverAt = Now, Nodes = new ReturnCounts(2, 1, 1, Now, Now) { FencedNodes = ["n1"] } } };
        await CommitAsync(Change() with { Rollout = new RolloutWrite(over, 2, []) });
        await CommitAsync(Change() with { Rollout = Write("r2", 1) });

        Assert.Equal(ConflictNames.RolloutInFlight, refused.Detail);
        AssertSame(over, (await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"))!);
    }

    [Fact]
    public async Task Its_being_durable_is_written_down_without_an_entry()
    {
        await MakeFleetWithBundleAsync();
        var back = new WayBack { Epoch = 2, DetectedAt = Now, DecidedAt = Now, DeadlineSec = 60 };
        await CommitAsync(Change() with { Rollout = new RolloutWrite(State("r1", 1, RolloutPhase.RolledBack) with { Return = back }, 0, []) });

        await CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [],
            Rollout = new RolloutWrite(State("r1", 2, RolloutPhase.RolledBack) with { Return = back with { DurableAt = Now } }, 1, []),
        });
    }

    [Fact]
    public async Task Quarantine_is_kept_once_for_each_bundle_newest_first_and_released_once()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Bundle = Bundle('b', "2.0.0") });
        var b = new string('b', 64);
        await CommitAsync(Change() with { Quarantined = [Held(A)] });
        await CommitAsync(Change() with { Quarantined = [Held(b), Held(A) with { Reason = "again" }] });

        var held = await Store.Rollouts.ListQuarantineAsync(Tenant, "edge");
        Assert.Equal([(b, "why"), (A, "again")], held.Select(bundle => (bundle.PolicyHash, bundle.Reason)));
        await CommitAsync(Change() with { Released = Held(A) });
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Change() with { Released = Held(A) })).Status);
        Assert.Equal([b], (await Store.Rollouts.ListQuarantineAsync(Tenant, "edge")).Select(bundle => bundle.PolicyHash));
        Assert.Empty(await Store.Rollouts.ListQuarantineAsync(Tenant, "other"));
    }

    [Fact]
    public async Task What_a_fleet_ran_as_a_whole_is_told_last_first()
    {
        await MakeFleetWithBundleAsync();
        foreach (var digit in "bcd")
        {
            await CommitAsync(Change() with { Bundle = Bundle(digit, $"{digit - 'a' + 1}.0.0") });
        }

        await CompleteAsync("1", 'a', RolloutKind.Baseline);
        await CompleteAsync("2", 'b', RolloutKind.Rollout);
        await CompleteAsync("3", 'c', RolloutKind.Rollout, percentage: 50);
        await CompleteAsync("4", 'd', RolloutKind.Rollout);
        await CompleteAsync("5", 'b', RolloutKind.FastTrack);
        await CompleteAsync("6", 'c', RolloutKind.Rollout, phase: RolloutPhase.RolledBack);

        Assert.Equal([new('d', 64), new('b', 64), A], await Store.Rollouts.ListProvenAsync(Tenant, "edge", 10));
        Assert.Equal([new('d', 64)], await Store.Rollouts.ListProvenAsync(Tenant, "edge", 1));
        await CompleteAsync("7", 'a', RolloutKind.Rollout);
        Assert.Equal([A, new('d', 64), new('b', 64)], await Store.Rollouts.ListProvenAsync(Tenant, "edge", 10));
    }

    private QuarantinedBundle Held(string policyHash) => new("edge", policyHash, "r1", "why", "alice", Now);

    private Task<OrleansPolicy.Audit.AuditHead> CompleteAsync(string id, char digit, RolloutKind kind, decimal percentage = 100, RolloutPhase phase = RolloutPhase.Complete) =>
        CommitAsync(Change() with
        {
            Rollout = new RolloutWrite(State(id, 1, phase) with { Target = new string(digit, 64), Kind = kind, Percentage = percentage }, 0, []),
        });
}
