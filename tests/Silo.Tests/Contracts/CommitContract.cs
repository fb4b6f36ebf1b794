using System.Collections.Immutable;
using OrleansPolicy.Admission;
using OrleansPolicy.Arming;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>A change is durable whole, or not at all.</summary>
public abstract class CommitContract : StoreContract
{
    [Fact]
    public async Task A_committed_change_is_there_whole()
    {
        await MakeFleetAsync();
        var change = Change() with
        {
            Audit = [Entry("bundle.published"), Entry("rollout.started")],
            Operation = Operation(),
            Admission = new AdmissionWrite(AdmissionState.Full(Now.AddTicks(7)), new UpdateLimits(3.5, 0.25), ExpectedRevision: 0),
            Keys = [Key("a"), Key("b")],
            TrustRoot = new TrustRootWrite(1, """{"z":1, "a":2}"""),
            Bundle = Bundle(sequence: 4),
            Tags = [new TagRecord("stable", null, new string('a', 64), "why", "alice", Now)],
            Rollout = Write("r1", 1, deadlines: new RolloutDeadline("look", Now.AddSeconds(1))),
            Directive = new DirectiveWrite("edge", DirectiveAt(1), ExpectedEpoch: 0),
        };

        var head = await CommitAsync(change);

        Assert.Equal(4, head.Seq);
        await AssertChainIsWholeAsync(4);
        AssertSame(change.Operation, await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1"));
        AssertSame(new StoredAdmission(change.Admission!.State, change.Admission.Limits, 1), await Store.Rollouts.ReadAdmissionAsync(Tenant));
        AssertSame(change.Keys, await Store.Keys.ListKeysAsync(Tenant));
        AssertSame(change.TrustRoot, await Store.Catalog.ReadTrustRootAsync(Tenant));
        AssertSame(change.Bundle!.Record, await Store.Catalog.FindBundleAsync(Tenant, "tag:stable"));
        AssertSame(change.Bundle.Content, (await Store.Catalog.ReadContentAsync(Tenant, new string('a', 64)))!.Value);
        AssertSame(change.Rollout!.State, await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"));
        var fleet = await Store.Rollouts.ReadFleetAsync(Tenant, "edge");
        AssertSame(change.Directive!.Directive, fleet!.Directive);
        Assert.Equal(2, fleet.Revision);
    }

    [Fact]
    public async Task A_change_whose_last_guard_fails_leaves_nothing()
    {
        await MakeFleetAsync();
        var change = Change() with
        {
            Operation = Operation(),
            Admission = new AdmissionWrite(AdmissionState.Full(Now), new UpdateLimits(), 0),
            Keys = [Key("a")],
            TrustRoot = new TrustRootWrite(1, "{}"),
            Bundle = Bundle(),
            Tags = [new TagRecord("stable", null, new string('a', 64), "why", "alice", Now)],
            Rollout = Write("r1", 1, deadlines: new RolloutDeadline("look", Now)),
            Directive = new DirectiveWrite("edge", DirectiveAt(8), ExpectedEpoch: 7),
        };

        var result = await Store.Rollouts.CommitAsync(change);

        Assert.Equal(CommitStatus.Stale, result.Status);
        await AssertChainIsWholeAsync(2);
        Assert.Null(await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1"));
        Assert.Null(await Store.Rollouts.ReadAdmissionAsync(Tenant));
        Assert.Empty(await Store.Keys.ListKeysAsync(Tenant));
        Assert.Null(await Store.Catalog.ReadTrustRootAsync(Tenant));
        Assert.Empty(await Store.Catalog.ListBundlesAsync(Tenant, 10));
        Assert.Empty(await Store.Catalog.ListTagsAsync(Tenant));
        Assert.Null(await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"));
        Assert.DoesNotContain(await Store.Rollouts.ReadOverdueAsync(Now.AddHours(1), 1000), due => due.Tenant == Tenant);
        Assert.Equal(0, (await Store.Rollouts.ReadFleetAsync(Tenant, "edge"))!.Directive.Epoch);
    }

    [Fact]
    public async Task A_change_that_rests_on_a_control_is_stale_once_that_was_changed()
    {
        await MakeFleetWithBundleAsync();
        ControlWrite Said(string what, long expected) => ControlWrite.Of(ControlKinds.Restraints, ControlKinds.OfTenant, new { what }, expected);
        PolicyChange Started(string id, long revision) =>
            Change() with { Rollout = Write(id, 1, RolloutPhase.Complete), DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, revision)] };

        await CommitAsync(Started("r1", 0));
        var nothing = (await Store.Rollouts.ListControlsAsync(Tenant, ControlKinds.Restraints)).Single();
        Assert.Equal((1, "{}"), (nothing.Revision, nothing.Record.GetRawText()));
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Started("r2", 0))).Status);
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Change() with { Control = Said("a", 0) })).Status);

        await CommitAsync(Started("r2", 1));
        await CommitAsync(Change() with { Control = Said("b", 1) });
        Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(Started("r3", 1))).Status);
        Assert.Null(await Store.Rollouts.ReadRolloutAsync(Tenant, "r3"));
        await CommitAsync(Started("r3", 2));
    }

    [Fact]
    public async Task Of_a_control_and_the_changes_that_rest_on_it_none_comes_after_what_it_did_not_see()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Restraints, ControlKinds.OfTenant, new { }, 0) });
        var resting = Enumerable.Range(0, 10).Select(n => Change() with
        {
            Audit = [Entry("rollout.started")],
            Rollout = Write($"r{n}", 1, RolloutPhase.Complete),
            DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, 1)],
        });
        var stop = Change() with
        {
            Audit = [Entry("line.stopped")],
            Control = ControlWrite.Of(ControlKinds.Restraints, ControlKinds.OfTenant, new { line = 1 }, 1),
        };

        await Task.WhenAll(resting.Append(stop).Select(change => Task.Run(() => Store.Rollouts.CommitAsync(change))));

        var actions = (await ReadAuditAsync()).Select(entry => entry.Draft.Action).ToList();
        Assert.Contains("line.stopped", actions);
        Assert.DoesNotContain("rollout.started", actions[actions.IndexOf("line.stopped")..]);
    }

    [Fact]
    public async Task Of_starts_at_the_same_instant_as_many_become_durable_as_may_be_in_flight()
    {
        await MakeFleetWithBundleAsync();
        foreach (var n in Enumerable.Range(0, 10))
        {
            await CommitAsync(Change() with { Fleet = new FleetWrite($"f{n}", new FleetSettings(), Creates: true) });
        }

        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Restraints, ControlKinds.OfTenant, new { }, 0) });
        await CommitAsync(Change() with { Rollout = Write("done", 1, RolloutPhase.Complete) });
        PolicyChange Start(int n) => Change() with
        {
            Rollout = new RolloutWrite(State($"r{n}", 1, RolloutPhase.Paused, $"f{n}"), 0, []) { InFlightMax = 3 },
            DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, 1)],
        };

        var results = await Task.WhenAll(Enumerable.Range(0, 9).Select(n => Task.Run(() => Store.Rollouts.CommitAsync(Start(n)))));

        Assert.Equal(3, results.Count(result => result.Status == CommitStatus.Committed));
        Assert.All(results, result => Assert.True(result.Status is CommitStatus.Committed or CommitStatus.Stale));
        Assert.Equal(3, (await Store.Rollouts.ListInFlightAsync(new ArmScope(Tenant))).Length);
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Rollouts.CommitAsync(Start(9) with { DecidedOn = [] }));
    }

    [Fact]
    public async Task Of_controls_of_a_kind_at_the_same_instant_as_many_become_durable_as_there_may_be()
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Restraints, ControlKinds.OfTenant, new { }, 0) });
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Waiver, "another kind", new { }, 0) });
        PolicyChange Wave(int n) => Change() with
        {
            Control = ControlWrite.Of(ControlKinds.Wave, $"w{n}", new { }, 0) with { OfKindMax = 3 },
            DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, 1)],
        };

        var results = await Task.WhenAll(Enumerable.Range(0, 9).Select(n => Task.Run(() => Store.Rollouts.CommitAsync(Wave(n)))));

        Assert.Equal(3, results.Count(result => result.Status == CommitStatus.Committed));
        Assert.All(results, result => Assert.True(result.Status is CommitStatus.Committed or CommitStatus.Stale));
        Assert.Equal(3, (await Store.Rollouts.ListControlsAsync(Tenant, ControlKinds.Wave)).Length);
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Rollouts.CommitAsync(Wave(9) with { DecidedOn = [] }));
    }

    [Fact]
    public async Task Controls_are_read_as_far_as_they_are_wanted_and_waves_that_are_over_apart()
    {
        await MakeTenantAsync();
        var none = await Store.Rollouts.ReadOpenWavesAsync(Tenant);
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Waiver, "another kind", new { }, 0) });
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Wave, "w1", new { EndedAt = (DateTimeOffset?)null }, 0) });
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Wave, "w2", new { EndedAt = (DateTimeOffset?)DateTimeOffset.UnixEpoch }, 0) });
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Wave, "w3", new { }, 0) });

        var newest = await Store.Rollouts.ListControlsAsync(Tenant, ControlKinds.Wave, 1);
        var two = await Store.Rollouts.ListControlsAsync(Tenant, ControlKinds.Wave, 2);
        var open = await Store.Rollouts.ReadOpenWavesAsync(Tenant);
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Wave, "w3", new { EndedAt = DateTimeOffset.UnixEpoch }, 1) });
        await CommitAsync(Change() with { Control = ControlWrite.Of(ControlKinds.Wave, "w1", new { EndedAt = DateTimeOffset.UnixEpoch }, 1) });
        var over = await Store.Rollouts.ReadOpenWavesAsync(Tenant);

        Assert.Equal("w3", Assert.Single(newest).Id);
        Assert.Equal(["w3", "w2"], two.Select(control => control.Id));
        Assert.Equal((0, 3, 3), (none.Made, open.Made, over.Made));
        Assert.Empty(none.Open);
        Assert.Equal([("w3", 1L), ("w1", 1L)], open.Open.Select(wave => (wave.Id, wave.Revision)));
        Assert.Empty(over.Open);
    }

    [Fact]
    public async Task A_rollout_changes_only_from_the_revision_it_was_decided_on()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Rollout = Write("r1", 1) });
        await CommitAsync(Change() with { Rollout = Write("r1", 2) });

        var stale = await Store.Rollouts.CommitAsync(Change() with { Rollout = Write("r1", 2, RolloutPhase.Paused) });
        var again = await Store.Rollouts.CommitAsync(Change() with { Rollout = Write("r1", 1) });
        var ahead = await Store.Rollouts.CommitAsync(Change() with { Rollout = Write("r1", 9) });

        Assert.Equal([CommitStatus.Stale, CommitStatus.Stale, CommitStatus.Stale], [stale.Status, ahead.Status, again.Status]);
        Assert.Equal(RolloutPhase.Active, (await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"))!.Phase);
    }

    [Fact]
    public async Task A_directive_changes_only_from_the_epoch_and_the_revision_it_was_decided_on()
    {
        await MakeFleetAsync();
        await CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(1), 0) });

        var oldEpoch = await Store.Rollouts.CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(2), 0) });
        var oldRevision = await Store.Rollouts.CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(2), 1, ExpectedRevision: 1) });
        var unknown = await Store.Rollouts.CommitAsync(Change() with { Directive = new DirectiveWrite("nowhere", DirectiveAt(1), 0) });

        Assert.All([oldEpoch, oldRevision, unknown], result => Assert.Equal(CommitStatus.Stale, result.Status));
        await CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(5), 1, ExpectedRevision: 2) });
        Assert.Equal(5, (await Store.Rollouts.ReadFleetAsync(Tenant, "edge"))!.Directive.Epoch);
    }

    [Fact]
    public async Task An_epoch_that_does_not_rise_is_refused_as_a_mistake()
    {
        await MakeFleetAsync();

        await Assert.ThrowsAsync<ArgumentException>(
            () => Store.Rollouts.CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(3), 3) }));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Store.Rollouts.CommitAsync(Change() with { Rollout = Write("r1", 3) with { ExpectedRevision = 0 } }));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Rollouts.CommitAsync(Change() with { Audit = [] }));
        await Assert.ThrowsAsync<ArgumentException>(
            () => Store.Rollouts.CommitAsync(Change() with { Keys = [Key("a") with { Tenant = "another" }] }));
    }

    [Fact]
    public async Task Settings_change_with_a_revision_that_a_directive_raises_too()
    {
        await MakeFleetAsync();
        var before = (await Store.Rollouts.ReadFleetAsync(Tenant, "edge"))!;
        await CommitAsync(Change() with { Directive = new DirectiveWrite("edge", DirectiveAt(1), 0) });

        var settings = new FleetSettings { MaxStalenessSec = 20 };
        var stale = await Store.Rollouts.CommitAsync(Change() with { Fleet = new FleetWrite("edge", settings, false, before.Revision) });
        await CommitAsync(Change() with { Fleet = new FleetWrite("edge", settings, false) });

        var after = (await Store.Rollouts.ReadFleetAsync(Tenant, "edge"))!;
        Assert.Equal(CommitStatus.Stale, stale.Status);
        Assert.Equal(settings, after.Settings);
        Assert.Equal(before.Revision + 2, after.Revision);
        Assert.Equal(1, after.Directive.Epoch);
    }

    [Fact]
    public async Task An_admission_is_taken_once_from_each_revision()
    {
        await MakeTenantAsync();
        var write = new AdmissionWrite(AdmissionState.Full(Now), new UpdateLimits(), 0);

        await CommitAsync(Change() with { Admission = write });
        var first = await Store.Rollouts.CommitAsync(Change() with { Admission = write });
        await CommitAsync(Change() with { Admission = write with { ExpectedRevision = 1 } });
        var second = await Store.Rollouts.CommitAsync(Change() with { Admission = write with { ExpectedRevision = 1 } });

        Assert.Equal([CommitStatus.Stale, CommitStatus.Stale], [first.Status, second.Status]);
        Assert.Equal(2, (await Store.Rollouts.ReadAdmissionAsync(Tenant))!.Revision);
    }

    [Fact]
    public async Task A_taken_name_is_a_conflict_that_says_which()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Rollout = Write("r1", 1), Keys = [Key("a")] });

        Assert.Equal(ConflictNames.Tenant, await ConflictAsync(Change() with { CreatesTenant = true }));
        Assert.Equal(ConflictNames.Fleet, await ConflictAsync(Change() with { Fleet = new FleetWrite("edge", new FleetSettings(), true) }));
        Assert.Equal(ConflictNames.BundleHash, await ConflictAsync(Change() with { Bundle = Bundle('a', "2.0.0") }));
        Assert.Equal(ConflictNames.BundleVersion, await ConflictAsync(Change() with { Bundle = Bundle('b', "1.0.0") }));
        Assert.Equal(ConflictNames.RolloutInFlight, await ConflictAsync(Change() with { Rollout = Write("r2", 1) }));
        Assert.Equal(ConflictNames.Key, await ConflictAsync(Change() with { Keys = [Key("a")] }));
        await AssertChainIsWholeAsync(4);
    }

    [Fact]
    public async Task A_fleet_has_one_rollout_in_flight_and_any_number_that_ended()
    {
        await MakeFleetWithBundleAsync();
        await CommitAsync(Change() with { Rollout = Write("r1", 1) });
        await CommitAsync(Change() with { Rollout = Write("r1", 2, RolloutPhase.RolledBack) });
        await CommitAsync(Change() with { Rollout = Write("r2", 1, RolloutPhase.Complete) });
        await CommitAsync(Change() with { Rollout = Write("r3", 1, RolloutPhase.Paused) });

        Assert.Equal(ConflictNames.RolloutInFlight, await ConflictAsync(Change() with { Rollout = Write("r4", 1) }));
        Assert.Equal(["r3", "r2", "r1"], (await Store.Rollouts.ListRolloutsAsync(Tenant, "edge", 10)).Select(rollout => rollout.RolloutId));
        Assert.Equal(["r3", "r2"], (await Store.Rollouts.ListRolloutsAsync(Tenant, null, 2)).Select(rollout => rollout.RolloutId));
        Assert.Empty(await Store.Rollouts.ListRolloutsAsync(Tenant, "other", 10));
    }

    [Fact]
    public async Task Two_starts_at_once_on_one_fleet_make_one_rollout()
    {
        await MakeFleetWithBundleAsync();

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Store.Rollouts.CommitAsync(
            Change() with { Rollout = Write($"r{n}", 1), Directive = new DirectiveWrite("edge", DirectiveAt(1), 0) })));

        Assert.Single(results, result => result.Status == CommitStatus.Committed);
        Assert.Single(await Store.Rollouts.ListRolloutsAsync(Tenant, "edge", 10));
        await AssertChainIsWholeAsync(4);
    }

    [Fact]
    public async Task What_refers_to_something_unknown_is_stale()
    {
        await MakeFleetAsync();
        PolicyChange[] changes =
        [
            Change() with { Rollout = Write("r1", 1) },
            Change() with { Tags = [new TagRecord("stable", null, new string('c', 64), "why", "alice", Now)] },
            Change() with { Fleet = new FleetWrite("nowhere", new FleetSettings(), false) },
            Change() with { RevokedKeyId = "nobody" },
            Change() with { TrustRoot = new TrustRootWrite(2, "{}") },
            Change() with { Tenant = "never-made-" + Tenant },
        ];

        foreach (var change in changes)
        {
            Assert.Equal(CommitStatus.Stale, (await Store.Rollouts.CommitAsync(change)).Status);
        }
    }

    [Fact]
    public async Task Many_writers_at_once_leave_one_whole_chain()
    {
        const int Writers = 16;
        const int Each = 12;
        await MakeTenantAsync();
        var other = Tenant + "-other";
        await CommitAsync(Change() with { Tenant = other, CreatesTenant = true });

        await Parallel.ForEachAsync(Enumerable.Range(0, Writers), new ParallelOptions { MaxDegreeOfParallelism = Writers }, async (writer, _) =>
        {
            for (var n = 0; n < Each; n++)
            {
                var entries = Enumerable.Range(0, 1 + (n % 3)).Select(i => Entry($"writer-{writer}.{n}.{i}")).ToImmutableArray();
                await CommitAsync(Change() with { Audit = entries });
                await CommitAsync(Change() with { Tenant = other });
            }
        });

        await AssertChainIsWholeAsync(1 + (Writers * (Each / 3) * 6));
        Assert.Equal(1 + (Writers * Each), (await Store.Audit.ReadHeadAsync(other)).Seq);
    }

    [Fact]
    public async Task Text_that_no_database_keeps_does_not_stop_a_change()
    {
        await MakeFleetWithBundleAsync();
        const string Hostile = "nul \0, half \ud800, \\u0000 and \\\0";
        var change = Change() with
        {
            Audit = [Entry(subject: "fleets/" + Hostile) with { Reason = Hostile, Detail = ImmutableSortedDictionary<string, string>.Empty.Add(Hostile, Hostile) }],
            Rollout = new RolloutWrite(State("r1", 1) with { Reason = Hostile, Why = new Why("node.nack", Hostile, Now) }, 0, []),
            Operation = Operation(response: "{\"detail\":\"" + Hostile + "\"}"),
        };

        await CommitAsync(change);

        const string Kept = "nul \ufffd, half \ufffd, \\u0000 and \\\ufffd";
        Assert.Equal(Kept, (await Store.Rollouts.ReadRolloutAsync(Tenant, "r1"))!.Why.Sentence);
        Assert.Equal(Kept, (await ReadAuditAsync())[^1].Draft.Reason);
        await AssertChainIsWholeAsync(4);
    }

    private async Task<string?> ConflictAsync(PolicyChange change)
    {
        var result = await Store.Rollouts.CommitAsync(change);
        Assert.Equal(CommitStatus.Conflict, result.Status);
        return result.Detail;
    }
}
