using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Tests.Postgres;

/// <summary>A database that is away, and comes back.</summary>
public sealed class StoreOutageTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private PolicyDatabase? _database;

    private PolicyDatabase Database => _database!;

    public async ValueTask InitializeAsync() =>
        _database = await PolicyDatabase.OpenAsync(
            new PolicyDatabaseOptions { Private = new PrivatePostgresOptions { DataFolder = _folder.Path } }, NullLoggerFactory.Instance);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_stopped_server_makes_calls_fail_fast_and_its_return_is_not_noticed_by_the_next()
    {
        var store = new PostgresRolloutStore(Database.DataSource, TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CommitAsync(store)));

        await Database.Private!.SuspendAsync();
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => CommitAsync(store));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadChangedFleetsAsync([]));
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        await Database.Private.ResumeAsync();

        await CommitAsync(store);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CommitAsync(store)));
        Assert.Equal(21, (await new PostgresAuditStore(Database.DataSource).ReadHeadAsync("default")).Seq);
    }

    [Fact]
    public async Task A_restart_between_two_calls_is_not_noticed_at_all()
    {
        var store = new PostgresRolloutStore(Database.DataSource, TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CommitAsync(store)));

        // All pooled connections are dead now.
        await Database.Private!.SuspendAsync();
        await Database.Private.ResumeAsync();

        await CommitAsync(store);
        Assert.Empty(await store.ReadChangedFleetsAsync([]));
    }

    [Fact]
    public async Task A_frozen_server_ends_calls_within_their_five_seconds()
    {
        var store = new PostgresRolloutStore(Database.DataSource, TimeProvider.System);
        await CommitAsync(store);
        var frozen = await ServerProcessesAsync();
        await SignalAsync("STOP", frozen);
        try
        {
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(
                Assert.ThrowsAsync<StoreUnavailableException>(() => CommitAsync(store)),
                Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadOverdueAsync(DateTimeOffset.UtcNow, 10)),
                Assert.ThrowsAsync<StoreUnavailableException>(() => store.ListNodesAsync("default", "edge")));
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        }
        finally
        {
            await SignalAsync("CONT", frozen);
        }

        var deadline = Stopwatch.StartNew();
        while (await Record.ExceptionAsync(() => CommitAsync(store)) is StoreUnavailableException)
        {
            Assert.InRange(deadline.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
        }
    }

    [Fact]
    public async Task What_a_database_answers_that_is_half_restored_or_wrongly_granted_is_an_outage_and_passes()
    {
        var store = new PostgresRolloutStore(Database.DataSource, TimeProvider.System);
        await ExecuteAsync("ALTER TABLE fleet_directive RENAME TO not_restored_yet");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadChangedFleetsAsync([]));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadFleetAsync("default", "edge"));
        await ExecuteAsync("ALTER TABLE not_restored_yet RENAME TO fleet_directive");
        Assert.Empty(await store.ReadChangedFleetsAsync([]));

        var calls = new StoreCalls(Database.DataSource);
        foreach (var sql in (string[])
        [
            "SELECT 1 FROM nowhere",
            "SELECT nowhere FROM fleet",
            "SELECT nowhere()",
            "INSERT INTO schema_version (name, applied_at, sha256) VALUES ('x', now(), '') ON CONFLICT (sha256) DO NOTHING",
            "DO $$ BEGIN RAISE insufficient_privilege; END $$",
        ])
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => AskAsync(sql));
        }

        // SQL that no database would take is a mistake of ours, and no outage.
        await Assert.ThrowsAsync<PostgresException>(() => AskAsync("SELECT FROM FROM"));

        Task<bool> AskAsync(string sql) => calls.ReadAsync(sql, [], static (_, _) => Task.FromResult(true), CancellationToken.None);
    }

    [Fact]
    public async Task A_caller_that_gives_up_is_told_so()
    {
        var store = new PostgresRolloutStore(Database.DataSource, TimeProvider.System);
        using var given = new CancellationTokenSource();
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.ReadFleetAsync("default", "edge", given.Token));
    }

    private static async Task CommitAsync(PostgresRolloutStore store)
    {
        var result = await store.CommitAsync(new PolicyChange
        {
            Tenant = "default",
            Audit = [new AuditDraft { At = DateTimeOffset.UtcNow, Actor = "alice", Action = "test.happened", Subject = "fleets/edge" }],
        });
        Assert.Equal(CommitStatus.Committed, result.Status);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<string[]> ServerProcessesAsync()
    {
        var children = await File.ReadAllTextAsync($"/proc/{Database.Private!.ServerProcessId}/task/{Database.Private.ServerProcessId}/children");
        return [Database.Private.ServerProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), .. children.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }

    private static async Task SignalAsync(string signal, string[] pids)
    {
        var signalled = await Programs.RunAsync("/", "/bin/kill", ["-" + signal, .. pids], CancellationToken.None);

        // A worker of the server may end after it was listed; all others have the signal then.
        if (pids.All(pid => Directory.Exists("/proc/" + pid)))
        {
            signalled.ThrowIfFailed("signal the server");
        }
    }
}
