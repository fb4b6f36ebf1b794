using System.Globalization;
using Npgsql;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>
/// A stage change costs the same few statements on a fleet of any size, by PostgreSQL's own count: the calls that
/// <c>pg_stat_statements</c> has for the database (the server of these tests preloads it). BEGIN and COMMIT come on top: it counts
/// them only until they are prepared.
/// </summary>
public sealed class StatementCountTests(PostgresServer server, StoreDatabase database) : StoreContract, IClassFixture<StoreDatabase>
{
    // Operation, rollout with its deadlines, directive, what the tenant holds back (held as it is), audit head (locked and read), audit entries with the new head.
    private const int StatementsOfAStageChange = 6;

    protected override StoreUnderTest Store { get; } = database.Open();

    [Theory]
    [InlineData(100)]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public async Task A_stage_change_costs_the_same_statements_on_every_fleet(int nodes)
    {
        await MakeFleetWithBundleAsync();
        await Store.Rollouts.RegisterNodesAsync(
            Tenant, "edge", [.. Enumerable.Range(0, nodes).Select(n => new NodeRegistration { Node = $"n{n}" })], Entry());
        await CommitAsync(Change() with
        {
            Rollout = Write("r1", 1),
            Directive = new DirectiveWrite("edge", DirectiveAt(1), 0),
            DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, 0)],
        });

        var counted = await CountAsync(() => CommitAsync(Change() with
        {
            Rollout = Write("r1", 2, RolloutPhase.Active, new RolloutDeadline("look", Now), new RolloutDeadline("fence", Now)),
            Directive = new DirectiveWrite("edge", DirectiveAt(2), 1),
            DecidedOn = [new ControlGuard(ControlKinds.Restraints, ControlKinds.OfTenant, 1)],
            Operation = Operation(),
        }));

        Assert.Equal(StatementsOfAStageChange, counted);
    }

    [Fact]
    public async Task Registering_many_nodes_costs_the_statements_of_one()
    {
        await MakeFleetAsync();

        var one = await CountAsync(() => Store.Rollouts.RegisterNodesAsync(Tenant, "edge", [new NodeRegistration { Node = "a" }], Entry()));
        var many = await CountAsync(() => Store.Rollouts.RegisterNodesAsync(
            Tenant, "edge", [.. Enumerable.Range(0, 5_000).Select(n => new NodeRegistration { Node = $"n{n}" })], Entry()));

        Assert.Equal(one, many);
    }

    [Fact]
    public async Task All_fleets_are_watched_with_one_statement()
    {
        await MakeFleetAsync();

        Assert.Equal(1, await CountAsync(() => Store.Rollouts.ReadChangedFleetsAsync(
            [.. Enumerable.Range(0, 500).Select(n => new KnownFleet(Tenant, $"f{n}", n)), new KnownFleet(Tenant, "edge", 7)])));
    }

    private async Task<long> CountAsync(Func<Task> action)
    {
        Assert.SkipUnless(server.CountsStatements, "This PostgreSQL does not have pg_stat_statements.");

        // A session of its own, so that nothing of the count is in the stores' connections.
        await using var connection = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await ScalarAsync(connection, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        const string CallsSql =
            """
            SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND query NOT LIKE '%pg_stat_statements%' AND query NOT IN ('BEGIN', 'COMMIT')
            """;
        var before = await ScalarAsync(connection, CallsSql);
        await action();
        return Convert.ToInt64(await ScalarAsync(connection, CallsSql), CultureInfo.InvariantCulture)
            - Convert.ToInt64(before, CultureInfo.InvariantCulture);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
