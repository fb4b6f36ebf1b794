using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>What a feed reads every second, and what a scanner claims.</summary>
public abstract class FleetReadContract : StoreContract
{
    [Fact]
    public async Task Fleets_are_listed_by_name()
    {
        await MakeFleetAsync("b.1");
        foreach (var fleet in (string[])["b-1", "a", "b_1"])
        {
            await CommitAsync(Change() with { Fleet = new FleetWrite(fleet, new FleetSettings { NodeTtlSec = 60 }, true) });
        }

        var fleets = await Store.Rollouts.ListFleetsAsync(Tenant);

        // Bytewise, as the program compares names.
        Assert.Equal(["a", "b-1", "b.1", "b_1"], fleets.Select(fleet => fleet.Fleet));
        AssertSame(fleets[0], await Store.Rollouts.ReadFleetAsync(Tenant, "a"));
        Assert.Null(await Store.Rollouts.ReadFleetAsync(Tenant, "c"));
        Assert.Equal(0, fleets[0].Directive.Epoch);
        Assert.True(fleets[0].Directive.AtRest);
    }

    [Fact]
    public async Task Only_changed_fleets_are_read_again()
    {
        await MakeFleetAsync("a");
        await CommitAsync(Change() with { Fleet = new FleetWrite("b", new FleetSettings(), true) });
        await CommitAsync(Change() with { Fleet = new FleetWrite("c", new FleetSettings(), true) });
        var known = (await Store.Rollouts.ListFleetsAsync(Tenant)).Select(fleet => new KnownFleet(Tenant, fleet.Fleet, fleet.Revision)).ToImmutableArray();

        Assert.Empty(await Store.Rollouts.ReadChangedFleetsAsync(known));
        Assert.Empty(await Store.Rollouts.ReadChangedFleetsAsync([]));
        await CommitAsync(Change() with { Directive = new DirectiveWrite("b", DirectiveAt(1), 0) });
        await CommitAsync(Change() with { Fleet = new FleetWrite("c", new FleetSettings { MaxStalenessSec = null }, false) });
        var changed = await Store.Rollouts.ReadChangedFleetsAsync(known);

        Assert.Equal(["b", "c"], changed.Select(fleet => fleet.Fleet).Order());
        Assert.Equal(1, changed.Single(fleet => fleet.Fleet == "b").Stored!.Directive.Epoch);
        Assert.Null(changed.Single(fleet => fleet.Fleet == "c").Stored!.Settings.MaxStalenessSec);
        AssertSame(await Store.Rollouts.ReadFleetAsync(Tenant, "b"), changed.Single(fleet => fleet.Fleet == "b").Stored);

        // A lower revision than the known one (a database restored from a backup) is a change too.
        Assert.Single(await Store.Rollouts.ReadChangedFleetsAsync([known[0] with { Revision = 100 }]));
    }

    [Fact]
    public async Task A_fleet_that_is_not_there_is_told_of_and_never_taken_for_unchanged()
    {
        await MakeFleetAsync("a");
        var known = (await Store.Rollouts.ListFleetsAsync(Tenant)).Select(fleet => new KnownFleet(Tenant, fleet.Fleet, fleet.Revision)).ToImmutableArray();

        var changed = await Store.Rollouts.ReadChangedFleetsAsync([.. known, new KnownFleet(Tenant, "nowhere", 3), new KnownFleet("nobody", "a", 0)]);

        Assert.Equal(
            [new ChangedFleet("nobody", "a", null), new ChangedFleet(Tenant, "nowhere", null)],
            changed.OrderBy(fleet => fleet.Fleet, StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_overdue_deadline_is_claimed_once_and_again_when_the_claim_has_run_out()
    {
        await MakeRolloutsAsync(1);
        var due = Now.AddSeconds(1);

        Assert.Empty(await OverdueAsync());
        Store.Clock.Advance(TimeSpan.FromSeconds(1));
        var first = await OverdueAsync();
        var second = await OverdueAsync();
        Store.Clock.Advance(TimeSpan.FromSeconds(3));
        var third = await OverdueAsync();

        Assert.Equal([new OverdueRollout(Tenant, "r0", new RolloutDeadline("look", due))], first);
        Assert.Empty(second);
        Assert.Equal(first, third);
    }

    [Fact]
    public async Task Two_scanners_at_once_never_claim_the_same_rollout()
    {
        await MakeRolloutsAsync(30);
        Store.Clock.Advance(TimeSpan.FromSeconds(1));
        var now = Now;

        var claims = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Store.Rollouts.ReadOverdueAsync(now, 10)));

        var mine = claims.SelectMany(claim => claim).Where(claim => claim.Tenant == Tenant).Select(claim => claim.RolloutId).ToArray();
        Assert.Equal(mine.Length, mine.Distinct().Count());
        Assert.All(claims, claim => Assert.InRange(claim.Length, 0, 10));
        var rest = (await OverdueAsync()).Select(claim => claim.RolloutId);
        Assert.Equal(30, mine.Concat(rest).Distinct().Count());
    }

    [Fact]
    public async Task What_was_not_claimed_yet_comes_before_what_has_been_overdue_for_longer()
    {
        await MakeRolloutsAsync(1);
        Store.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(await OverdueAsync());
        Store.Clock.Advance(TimeSpan.FromSeconds(10));
        await CommitAsync(Change() with
        {
            Fleet = new FleetWrite("f1", new FleetSettings(), true),
            Rollout = new RolloutWrite(State("r1", 1, fleet: "f1"), 0, [new RolloutDeadline("look", Now)]),
        });

        // Rounds of one row. Rows of other tests come too.
        var mine = new List<string>();
        while (mine.Count < 2)
        {
            var claimed = Assert.Single(await Store.Rollouts.ReadOverdueAsync(Now, 1));
            mine.AddRange(claimed.Tenant == Tenant ? [claimed.RolloutId] : []);
        }

        Assert.Equal(["r1", "r0"], mine);
    }

    [Fact]
    public async Task A_commit_replaces_all_deadlines_and_frees_what_was_claimed()
    {
        await MakeRolloutsAsync(1);
        Store.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(await OverdueAsync());

        await CommitAsync(Change() with
        {
            Rollout = new RolloutWrite(
                State("r0", 2, fleet: "f0"), 1, [new RolloutDeadline("look", Now), new RolloutDeadline("fence", Now.AddSeconds(5))]),
        });
        var now = await OverdueAsync();
        Store.Clock.Advance(TimeSpan.FromSeconds(10));
        var later = await OverdueAsync();
        await CommitAsync(Change() with { Rollout = new RolloutWrite(State("r0", 3, RolloutPhase.Complete, "f0"), 2, []) });
        Store.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(["look"], now.Select(due => due.Deadline.Kind));
        Assert.Equal(["fence", "look"], later.Select(due => due.Deadline.Kind).Order());
        Assert.Empty(await OverdueAsync());
    }

    private async Task MakeRolloutsAsync(int count)
    {
        await MakeFleetWithBundleAsync();
        for (var n = 0; n < count; n++)
        {
            await CommitAsync(Change() with
            {
                Fleet = new FleetWrite($"f{n}", new FleetSettings(), true),
                Rollout = new RolloutWrite(State($"r{n}", 1, fleet: $"f{n}"), 0, [new RolloutDeadline("look", Now.AddSeconds(1))]),
            });
        }
    }

    private async Task<OverdueRollout[]> OverdueAsync() =>
        [.. (await Store.Rollouts.ReadOverdueAsync(Now, 1000)).Where(due => due.Tenant == Tenant)];
}
