using Npgsql;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>What the database itself guards.</summary>
public sealed class AuditTableTests(StoreDatabase database) : StoreContract, IClassFixture<StoreDatabase>
{
    protected override StoreUnderTest Store { get; } = database.Open();

    [Theory]
    [InlineData("UPDATE policy_audit SET subject = 'x'")]
    [InlineData("DELETE FROM policy_audit")]
    [InlineData("TRUNCATE policy_audit")]
    public async Task Entries_are_never_changed_or_taken_away(string sql)
    {
        await MakeTenantAsync();

        var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(sql));

        Assert.Equal(PostgresErrorCodes.RestrictViolation, refused.SqlState);
        await AssertChainIsWholeAsync(1);
    }

    [Fact]
    public async Task A_change_whose_entry_cannot_be_written_leaves_nothing()
    {
        await MakeFleetAsync();
        await Store.Rollouts.RegisterNodesAsync(Tenant, "edge", [new Fleets.NodeRegistration { Node = "a" }], Entry());
        await database.ExecuteAsync(
            $"""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER full_disk BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (OLD.tenant = '{Tenant}') EXECUTE FUNCTION full_disk();
            """);
        var change = Change() with { Bundle = Bundle(), Operation = Operation(), Directive = new DirectiveWrite("edge", DirectiveAt(1), 0) };

        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Rollouts.CommitAsync(change));
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => Store.Rollouts.RegisterNodesAsync(Tenant, "edge", [new Fleets.NodeRegistration { Node = "b" }], Entry()));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "a", Entry()));

        await AssertChainIsWholeAsync(3);
        Assert.Empty(await Store.Catalog.ListBundlesAsync(Tenant, 10));
        Assert.Equal(["a"], (await Store.Rollouts.ListNodesAsync(Tenant, "edge")).Select(node => node.Node));
        Assert.Null(await Store.Rollouts.ReadOperationAsync(Tenant + "-key", "op-1"));

        // And without hands it goes on when there is space again.
        await database.ExecuteAsync("DROP TRIGGER full_disk ON audit_head; DROP FUNCTION full_disk");
        await CommitAsync(change);
        await AssertChainIsWholeAsync(4);
    }

    [Fact]
    public async Task A_lock_that_is_not_released_ends_a_call_within_its_five_seconds()
    {
        await MakeTenantAsync();
        await using var holder = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using var take = new NpgsqlCommand($"SELECT FROM audit_head WHERE tenant = '{Tenant}' FOR UPDATE", holder);
        await take.ExecuteNonQueryAsync();
        var clock = System.Diagnostics.Stopwatch.StartNew();

        // The holder stands for a silo that was frozen between two statements. The server ends its session after 3 s, so that the
        // call may even succeed; what it must not do is wait longer.
        try
        {
            await Store.Rollouts.CommitAsync(Change());
        }
        catch (StoreUnavailableException)
        {
        }

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        await CommitAsync(Change());
    }

    [Fact]
    public async Task What_is_past_its_time_is_swept_out_and_nothing_else()
    {
        await MakeFleetAsync();
        await CommitAsync(Change() with { Operation = Operation("old") });
        await Store.Rollouts.RegisterNodesAsync(
            Tenant, "edge", [new Fleets.NodeRegistration { Node = "gone" }, new Fleets.NodeRegistration { Node = "here" }], Entry());
        await Store.Rollouts.RemoveNodeAsync(Tenant, "edge", "gone", Entry());
        Store.Clock.Advance(TimeSpan.FromDays(31));
        await CommitAsync(Change() with { Operation = Operation("new") });

        // More than one step deletes, and beside work that is due: a rollout that holds is overdue most of the time.
        await CommitAsync(Change() with { Bundle = Bundle() });
        await CommitAsync(Change() with { Rollout = Write("r1", 1, RolloutPhase.Active, new RolloutDeadline("look", Now)) });
        await database.ExecuteAsync(
            $"INSERT INTO operation SELECT key_id, 'old-' || n, body_hash, status, response, created_at FROM operation, generate_series(1, {2 * PastRows.StepRowsMax}) n WHERE key_id = '{Tenant}-key' AND operation_id = 'old'");

        await database.ExecuteAsync(
            $"INSERT INTO OrleansStorage (GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString, GrainIdExtensionString, ServiceId, Version) SELECT 1, 0, 0, 1, state, '{Tenant}/edge/' || node, 's', 1 FROM unnest(ARRAY['gone', 'here']) node, unnest(ARRAY['{StateNames.NodeHistory}', 'another']) state");

        // Rows of other tests come too.
        var deleted = await new PastRows(database.DataSource, Store.Clock).SweepAsync(CancellationToken.None);
        Assert.InRange(deleted, (2 * PastRows.StepRowsMax) + 2, long.MaxValue);

        Assert.Equal("new", await database.ExecuteAsync($"SELECT string_agg(operation_id, ' ') FROM operation WHERE key_id = '{Tenant}-key'"));
        Assert.Equal("here", await database.ExecuteAsync($"SELECT string_agg(node, ' ') FROM node WHERE tenant = '{Tenant}'"));
        Assert.Equal(
            $"another {Tenant}/edge/gone, another {Tenant}/edge/here, {StateNames.NodeHistory} {Tenant}/edge/here",
            await database.ExecuteAsync(
                $"SELECT string_agg(GrainTypeString || ' ' || GrainIdExtensionString, ', ' ORDER BY GrainTypeString, GrainIdExtensionString) FROM OrleansStorage WHERE GrainIdExtensionString LIKE '{Tenant}/%'"));
    }
}
