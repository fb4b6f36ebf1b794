using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>With a database of its own, in which every page of the audit takes its time.</summary>
public sealed class LongAuditTests(PostgresServer server)
{
    private const string SlowPagesSql =
        """
        ALTER TABLE policy_audit RENAME TO policy_audit_kept;
        CREATE VIEW policy_audit AS SELECT * FROM policy_audit_kept WHERE (SELECT 1 FROM pg_sleep(1)) = 1
        """;

    // A second each: more than the five that a call to a grain may take unless it says otherwise.
    private const int Pages = 6;

    [Fact]
    public async Task A_chain_that_takes_longer_than_a_call_to_a_grain_is_checked_whole()
    {
        using var folder = new TemporaryFolder();
        var settings = new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = folder.Path, ConnectionString = await server.CreateDatabaseAsync() };
        await using var host = await PolicyHost.StartAsync(settings);
        using var admin = new ApiClient(new Uri(host.Addresses.Single()), (await File.ReadAllTextAsync(folder["admin.key"])).Trim());
        (await admin.PutAsync("/v1/long", new { })).Expect(201);
        var head = await LengthenAsync(settings.ConnectionString, "long");
        var grain = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IAuditGrain>("long");

        // On a machine that is held up a page may take longer than a statement may; that alone is worth asking again.
        var whole = (true, head.Seq, head.Hash);
        await Task.WhenAll(
            Eventually.BecomesAsync(async () => Seen(await admin.GetAsync("/v1/long/audit/verify")), whole),
            Eventually.BecomesAsync(async () => Seen(await grain.VerifyAsync()), whole));
    }

    private static (bool Valid, long Entries, string Head) Seen(ApiAnswer answer) => answer.Status == 200
        ? (answer["valid"].GetBoolean(), answer["entries"].GetInt64(), answer["head"].GetProperty("hash").GetString()!)
        : (false, 0, answer.ToString());

    private static (bool Valid, long Entries, string Head) Seen(Outcome<AuditVerification> outcome) => outcome.Succeeded
        ? (outcome.Value.Valid, outcome.Value.Entries, outcome.Value.Head.Hash)
        : (false, 0, outcome.Problems[0].Code);

    private static async Task<AuditHead> LengthenAsync(string connectionString, string tenant)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, CommandTimeout = 0 }.ConnectionString);
        await connection.OpenAsync();
        await ExecuteAsync("BEGIN");
        await using var command = new NpgsqlCommand(AuditAppend.LockHeadSql, connection) { Parameters = { SqlValue.Text(tenant) } };
        AuditHead head;
        await using (var reader = await command.ExecuteReaderAsync())
        {
            Assert.True(await reader.ReadAsync());
            head = AuditAppend.ReadHead(reader);
        }

        ImmutableArray<AuditDraft> drafts =
            [.. Enumerable.Range(0, Pages * IAuditGrain.ReadLimitMax).Select(i => new AuditDraft { At = DateTimeOffset.UnixEpoch, Actor = "olga", Action = "test", Subject = $"fleets/f{i}" })];
        head = await AuditAppend.CommitAsync(connection, tenant, head, drafts, new StoreAttempt(), CancellationToken.None);
        await ExecuteAsync(SlowPagesSql);
        return head;

        async Task ExecuteAsync(string sql)
        {
            await using var statement = new NpgsqlCommand(sql, connection);
            await statement.ExecuteNonQueryAsync();
        }
    }
}
