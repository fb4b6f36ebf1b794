using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Silo.DecisionLogs;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Records of decisions, handed over and read again.</summary>
[Collection(OneControlPlane.Name)]
public sealed class DecisionLogTests(ControlPlane plane)
{
    [Fact]
    public async Task A_batch_is_stored_once_however_often_it_is_sent_and_read_as_it_came()
    {
        var tenant = await TenantAsync();
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        var first = Lines(Record("n000", 0), Record("n000", 1, """{"text":"ü\u0000\ud800 \\","n":1e21}"""));

        Assert.Equal("""{"accepted":2,"duplicates":0}""", (await node.PostAsync("/fleets/edge/decisions?batch=b1", first)).Expect(200).Text);
        Assert.Equal("""{"accepted":0,"duplicates":2}""", (await node.PostAsync("/fleets/edge/decisions?batch=b1", first)).Expect(200).Text);
        Assert.Equal("""{"accepted":1,"duplicates":0}""", (await node.PostAsync("/fleets/edge/decisions?batch=b2", Lines(Record("n000", 2)))).Expect(200).Text);

        await Eventually.BecomesAsync(async () => (await ReadAsync(tenant)).Length, 3);
        string[] sent = [.. Encoding.UTF8.GetString(first).Split('\n')[..2], Record("n000", 2)];
        Assert.Equal(sent, await ReadAsync(tenant));

        // The same as JSON, page by page.
        var page = (await tenant.Admin.GetAsync("/fleets/edge/decisions?limit=2")).Expect(200);
        Assert.Equal(2, page["records"].GetArrayLength());
        Assert.True(page["more"].GetBoolean());
        page = (await tenant.Admin.GetAsync($"/fleets/edge/decisions?limit=2&after={page["next"].GetString()}")).Expect(200);
        Assert.Equal(2, page["records"][0].GetProperty("epoch").GetInt32());
        Assert.False(page["more"].GetBoolean());
        page = (await tenant.Admin.GetAsync($"/fleets/edge/decisions?after={page["next"].GetString()}")).Expect(200);
        Assert.Equal(0, page["records"].GetArrayLength());
        page = (await tenant.Admin.GetAsync("/fleets/edge/decisions?last=1")).Expect(200);
        Assert.Equal(2, page["records"][0].GetProperty("epoch").GetInt32());
    }

    [Fact]
    public async Task A_list_serves_as_well_as_lines_and_answers_can_be_narrowed()
    {
        var tenant = await TenantAsync();
        var relay = await tenant.WithRoleAsync("relay", "edge");

        (await relay.PostAsync("/fleets/edge/decisions?batch=b", $"[{Record("n000", 1)},\n {Record("n001", 2).Replace(",", ",\n", StringComparison.Ordinal)}]")).Expect(200);

        await Eventually.BecomesAsync(async () => (await ReadAsync(tenant)).Length, 2);
        Assert.Equal([Record("n001", 2)], await ReadAsync(tenant, "&node=n001"));
        Assert.Equal([Record("n001", 2)], await ReadAsync(tenant, "&from=2026-11-21T09:00:02Z"));
        Assert.Equal([Record("n000", 1)], await ReadAsync(tenant, "&to=2026-11-21T10:00:02%2B01:00"));
        (await tenant.Admin.GetAsync("/fleets/edge/decisions?from=soon")).ExpectProblem(400, "request.time");
        (await tenant.Admin.GetAsync("/fleets/edge/decisions?after=99999999999999999999-1")).ExpectProblem(400, "request.after");
        (await tenant.Admin.GetAsync("/fleets/edge/decisions?after=9223372036854775807-1")).ExpectProblem(400, "request.after");
        (await tenant.Admin.GetAsync("/fleets/edge/decisions?limit=1001")).ExpectProblem(400, "request.limit");
        (await tenant.Admin.GetAsync("/fleets/edge/decisions?last=0")).ExpectProblem(400, "request.limit");
        (await tenant.Admin.GetAsync("/fleets/nowhere/decisions")).ExpectProblem(404, "fleet.unknown");
    }

    [Fact]
    public async Task A_node_speaks_for_itself_alone_and_garbage_stores_nothing()
    {
        var tenant = await TenantAsync();
        var node = await tenant.WithRoleAsync("node", "edge", "n000");
        const string Path = "/fleets/edge/decisions?batch=b";

        (await node.PostAsync(Path, Lines(Record("n000", 0), Record("n001", 1)))).ExpectProblem(403, "auth.node");
        (await node.PostAsync("/fleets/other/decisions?batch=b", Lines(Record("n000", 0)))).ExpectProblem(403, "auth.fleet");
        (await node.PostAsync(Path, Lines(Record("n000", 0).Replace("edge", "other", StringComparison.Ordinal)))).ExpectProblem(400, "decision_log.fleet");
        (await node.PostAsync("/fleets/edge/decisions", Lines(Record("n000", 0)))).ExpectProblem(400, "decision_log.batch");
        (await node.PostAsync("/fleets/edge/decisions?batch=a%2Fb", Lines(Record("n000", 0)))).ExpectProblem(400, "decision_log.batch");
        (await node.PostAsync(Path, Lines())).ExpectProblem(400, "decision_log.records");
        (await node.PostAsync(Path, "[]")).ExpectProblem(400, "decision_log.records");
        (await node.PostAsync(Path, "[1,")).ExpectProblem(400, "json.malformed");
        foreach (var garbage in new[] { "nonsense", "1", "null", "{}", Record("n000", 0)[..^1], Record("n000", 0).Replace("\"allowed\":true,", "", StringComparison.Ordinal), Record("", 0) })
        {
            var refused = (await node.PostAsync(Path, Lines(Record("n000", 0), garbage))).Expect(400);
            Assert.True(refused.Code is "decision_record.malformed" or "name.invalid", refused.ToString());
            Assert.Contains("$[1]", refused.Text, StringComparison.Ordinal);
        }

        (await node.PostAsync(Path, Typed([.. Encoding.UTF8.GetBytes(Record("n000", 0)[..^1] + ",\"x\":\""), 0xC3, 0x28, .. "\"}"u8]))).ExpectProblem(400, "decision_record.malformed");
        (await node.PostAsync(Path, Lines(Record("n000", 0, $$"""{"x":"{{new string('x', DecisionBatch.RecordBytesMax)}}"}""")))).ExpectProblem(413, "decision_record.too_long");
        (await node.PostAsync(Path, Typed(new byte[(4 * 1024 * 1024) + 1]))).ExpectProblem(413, "request.too_large");
        (await node.PostAsync(Path, Lines([.. Enumerable.Repeat(Record("n000", 0), DecisionBatch.RecordsMax + 1)]))).ExpectProblem(400, "decision_log.records");

        Assert.Equal(0L, await CountAsync(tenant));
    }

    [Fact]
    public async Task One_nodes_log_never_takes_the_room_of_the_others()
    {
        var tenant = await TenantAsync();
        await SqlAsync($"INSERT INTO decision_log_use VALUES ('{tenant.Name}', 'edge', 'n000', {new DecisionLogLimits().NodeBytesMax})");
        var greedy = await tenant.WithRoleAsync("node", "edge", "n000");
        var modest = await tenant.WithRoleAsync("node", "edge", "n001");

        var refused = (await greedy.PostAsync("/fleets/edge/decisions?batch=b", Lines(Record("n000", 0)))).ExpectProblem(429, "decision_log.full");
        Assert.Equal("60", refused.Headers["Retry-After"]);
        (await modest.PostAsync("/fleets/edge/decisions?batch=b", Lines(Record("n001", 0)))).Expect(200);

        await SqlAsync($"INSERT INTO decision_log_use VALUES ('{tenant.Name}', 'edge', 'n002', {new DecisionLogLimits().TenantBytesMax})");
        (await modest.PostAsync("/fleets/edge/decisions?batch=b2", Lines(Record("n001", 1)))).ExpectProblem(429, "decision_log.full");
        Assert.Equal(1L, await CountAsync(tenant));
    }

    [Fact]
    public async Task What_is_older_than_the_retention_is_deleted_and_makes_room()
    {
        var tenant = await TenantAsync();
        var relay = await tenant.WithRoleAsync("relay", "edge");
        for (var batch = 0; batch < 3; batch++)
        {
            (await relay.PostAsync($"/fleets/edge/decisions?batch=b{batch}", Lines([.. Enumerable.Range(0, 4_000).Select(n => Record($"n00{n % 2}", n))]))).Expect(200);
        }

        await SqlAsync($"UPDATE decision_log SET received_at = now() - interval '8 days' WHERE tenant = '{tenant.Name}' AND batch <> 'b2'");
        var deleted = await plane.Host.Services.GetRequiredService<DecisionLogSweeper>().SweepAsync(CancellationToken.None);

        Assert.True(deleted >= 8_000);
        Assert.Equal(4_000L, await CountAsync(tenant));
        Assert.Equal(
            await SqlAsync($"SELECT sum(octet_length(record) + {DecisionLogLimits.RowBytes})::bigint FROM decision_log WHERE tenant = '{tenant.Name}'"),
            await SqlAsync($"SELECT sum(bytes)::bigint FROM decision_log_use WHERE tenant = '{tenant.Name}'"));
    }

    [Fact]
    public async Task A_batch_sent_by_fifty_at_once_is_stored_once()
    {
        var tenant = await TenantAsync();
        var relay = await tenant.WithRoleAsync("relay", "edge");
        var batch = Lines([.. Enumerable.Range(0, 100).Select(n => Record($"n00{n % 10}", n))]);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => relay.PostAsync("/fleets/edge/decisions?batch=b", batch)));

        Assert.All(answers, answer => answer.Expect(200));
        Assert.Equal(100, answers.Sum(answer => answer["accepted"].GetInt32()));
        Assert.Equal(100L, await CountAsync(tenant));
    }

    private static string Record(string node, int n, string context = "{}") =>
        $$"""{"at":"2026-11-21T09:00:0{{n % 10}}+00:00","node":"{{node}}","fleet":"edge","capability_id":"read","context":{{context}},"decision":{"allowed":true,"require_confirmation":false,"reason":"r","rule_id":"r","suggested_alternative":null,"risk_level":null},"policy_version":"1.0.0","policy_hash":"{{new string('a', 64)}}","epoch":{{n}}}""";

    private static byte[] Lines(params string[] records) => Encoding.UTF8.GetBytes(string.Concat(records.Select(record => record + "\n")));

    private static ByteArrayContent Typed(byte[] lines)
    {
        var content = new ByteArrayContent(lines);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        return content;
    }

    private async Task<TestTenant> TenantAsync()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.FleetAsync("edge");
        return tenant;
    }

    private static async Task<string[]> ReadAsync(TestTenant tenant, string filter = "")
    {
        var answer = (await tenant.Admin.GetAsync("/fleets/edge/decisions?limit=1000" + filter, ("Accept", "application/x-ndjson"))).Expect(200);
        Assert.Equal("application/x-ndjson", answer.ContentType);
        Assert.Matches("^[0-9]+-[0-9]+$", answer.Headers["Policy-Next"]);
        return answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task<object?> CountAsync(TestTenant tenant) => await SqlAsync($"SELECT count(*) FROM decision_log WHERE tenant = '{tenant.Name}'");

    private async Task<object?> SqlAsync(string sql)
    {
        await using var command = plane.Host.Services.GetRequiredService<PolicyDatabase>().DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
