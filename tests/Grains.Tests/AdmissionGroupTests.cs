using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>Who asks for an admission while another is being made durable shares the next commit, and nothing else.</summary>
public class AdmissionGroupTests(PostgresServer server)
{
    private const int Asks = 12;
    private static readonly AdmissionDemand Demand = new(AdmissionDemand.Admission);

    [Fact]
    public async Task Those_who_ask_at_the_same_time_share_a_commit_and_each_has_an_answer_of_its_own()
    {
        await using var cluster = await StartUnlimitedAsync();
        var answers = await AskTogetherAsync(cluster, round => [.. Enumerable.Range(0, Asks).Select(n => (Demand, As("alice", $"{round}-{n}", $"body-{n}")))]);

        Assert.All(answers, answer => Assert.True(Value(answer.Answer).Allowed));
        foreach (var (caller, answer) in answers)
        {
            var stored = await cluster.Store.ReadOperationAsync("key-alice", caller.OperationId!);
            Assert.Equal(caller.RequestHash, stored!.BodyHash);
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(Value(answer), PolicyJson.Options), stored.Response);
        }

        // Each took a token of its own, in the order in which they are in the chain.
        var entries = (await cluster.Audit.ReadAsync(Tenant, 0, 10_000, "admission")).Where(entry => entry.Draft.Action == "admission.taken").ToArray();
        Assert.Equal(entries.Length, entries.Select(entry => entry.Draft.Reason).Distinct().Count());
        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task One_operation_twice_at_the_same_time_is_done_once_and_harms_nobody()
    {
        await using var cluster = await StartUnlimitedAsync();
        var answers = await AskTogetherAsync(cluster, round =>
            [.. Enumerable.Range(0, Asks).Select(n => (Demand, As("alice", n % 3 == 1 ? $"{round}-twice" : $"{round}-{n}")))]);

        var twice = answers.Where(answer => answer.Caller.OperationId!.EndsWith("twice", StringComparison.Ordinal)).ToArray();
        Assert.Single(twice, answer => answer.Answer.Succeeded && answer.Answer.Value.Allowed);
        Assert.All(twice.Where(answer => !answer.Answer.Succeeded), answer => Assert.Equal(CommonCodes.OperationExists, Code(answer.Answer)));
        Assert.All(answers.Except(twice), answer => Assert.True(Value(answer.Answer).Allowed));
        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task An_operation_that_was_done_before_by_another_request_harms_nobody()
    {
        await using var cluster = await StartUnlimitedAsync();
        Assert.True(Value(await cluster.Grains.Limiter(Tenant).TakeAsync(Demand, As("alice", "before", "the first body"))).Allowed);

        var answers = await AskTogetherAsync(cluster, round =>
            [.. Enumerable.Range(0, Asks).Select(n => (Demand, As("alice", n == Asks / 2 ? "before" : $"{round}-{n}", "another body")))]);

        Assert.Equal(CommonCodes.OperationExists, Code(answers.Single(answer => answer.Caller.OperationId == "before").Answer));
        Assert.All(answers.Where(answer => answer.Caller.OperationId != "before"), answer => Assert.True(Value(answer.Answer).Allowed));
        Assert.Equal("the first body", (await cluster.Store.ReadOperationAsync("key-alice", "before"))!.BodyHash);
        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task A_refusal_among_them_harms_nobody_and_takes_nothing()
    {
        await using var cluster = await StartUnlimitedAsync();
        var limiter = cluster.Grains.Limiter(Tenant);
        var ofEdge = Demand with { Fleet = "edge" };
        var lastRound = -1;
        var answers = await AskTogetherAsync(cluster, round =>
        {
            // One of each round's own fleet is admitted, and then none for a thousand minutes.
            lastRound = round;
            return [.. Enumerable.Range(0, Asks).Select(n => (n is 4 or 5 or 9 ? ofEdge with { Fleet = $"edge-{round}" } : Demand, As("alice", $"{round}-{n}")))];
        });

        Assert.Equal(1, answers.Where((_, n) => n is 4 or 5 or 9).Count(answer => Value(answer.Answer).Allowed));
        Assert.All(answers.Where((_, n) => n is not (4 or 5 or 9)), answer => Assert.True(Value(answer.Answer).Allowed));
        foreach (var (caller, answer) in answers)
        {
            Assert.Equal(Value(answer).Allowed, await cluster.Store.ReadOperationAsync("key-alice", caller.OperationId!) is not null);
        }

        Assert.Equal($"fleet/edge-{lastRound}", Value(await limiter.PeekAsync(ofEdge with { Fleet = $"edge-{lastRound}" })).Scope);
        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task A_store_that_fails_admits_none_of_them_and_tells_each_and_the_next_ones_are_admitted()
    {
        await using var cluster = await StartUnlimitedAsync();
        var answers = await AskTogetherAsync(
            cluster,
            round => [.. Enumerable.Range(0, Asks).Select(n => (Demand, As("alice", $"{round}-{n}")))],
            before: change => change.Operations.Length > 1 ? throw new StoreUnavailableException("Pulled out.") : Task.CompletedTask);

        var failed = answers.Where(answer => !answer.Answer.Succeeded).ToArray();
        Assert.InRange(failed.Length, 2, Asks);
        foreach (var (caller, answer) in answers)
        {
            // Who was alone in its commit was admitted; nobody else was, and each was told.
            Assert.Equal(answer.Succeeded, await cluster.Store.ReadOperationAsync("key-alice", caller.OperationId!) is not null);
        }

        Assert.All(failed, answer => Assert.Equal(CommonCodes.StoreUnavailable, Code(answer.Answer)));
        cluster.Faults.BeforeCommit = (_, _) => Task.CompletedTask;
        foreach (var (caller, _) in failed)
        {
            Assert.True(Value(await cluster.Grains.Limiter(Tenant).TakeAsync(Demand, caller)).Allowed);
        }

        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task A_commit_whose_word_was_lost_is_not_done_again_by_those_who_ask_again()
    {
        await using var cluster = await StartUnlimitedAsync();
        var answers = await AskTogetherAsync(
            cluster,
            round => [.. Enumerable.Range(0, Asks).Select(n => (Demand, As("alice", $"{round}-{n}")))],
            after: change => change.Operations.Length > 1 ? throw new StoreUnavailableException("Pulled out.") : Task.CompletedTask);

        var unknown = answers.Where(answer => !answer.Answer.Succeeded).ToArray();
        Assert.InRange(unknown.Length, 2, Asks);
        cluster.Faults.AfterCommit = (_, _) => Task.CompletedTask;
        var taken = await CountTakenAsync(cluster);
        foreach (var (caller, _) in unknown)
        {
            Assert.Equal(CommonCodes.OperationExists, Code(await cluster.Grains.Limiter(Tenant).TakeAsync(Demand, caller)));
        }

        Assert.Equal(taken, await CountTakenAsync(cluster));
        await AssertChainIsWholeAsync(cluster);
    }

    [Fact]
    public async Task Who_waits_in_the_queue_of_the_limits_is_not_overtaken_by_those_who_share_a_commit()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Value(await limiter.ConfigureAsync(new UpdateLimits(5, 0), As("admin")));
        for (var n = 0; n < 5; n++)
        {
            Assert.True(Value(await limiter.TakeAsync(Demand, As("alice"))).Allowed);
        }

        Assert.False(Value(await limiter.TakeAsync(Demand, As("bob") with { Place = "place-bob" })).Allowed);
        cluster.Clock.Skip(TimeSpan.FromSeconds(13));

        var answers = await Task.WhenAll(Enumerable.Range(0, Asks).Select(_ => limiter.TakeAsync(Demand, As("eve"))));

        Assert.All(answers, answer => Assert.False(Value(answer).Allowed));
    }

    private async Task<PolicyCluster> StartUnlimitedAsync()
    {
        var cluster = await StartAsync(await server.CreateDatabaseAsync());
        Value(await cluster.Grains.Limiter(Tenant).ConfigureAsync(
            new UpdateLimits(60_000, 0) { Fleet = new UpdateLimit(UpdateLimiter.UpdatesPerMinuteMin, 0) }, As("admin")));
        return cluster;
    }

    /// <summary>
    /// Asks while a commit is held up. Nobody is told who has come by then, so it does it again, each time waiting longer, until several
    /// were made durable together: what is asserted holds of that last round, however many shared a commit.
    /// </summary>
    private static async Task<(Caller Caller, Outcome<AdmissionAnswer> Answer)[]> AskTogetherAsync(
        PolicyCluster cluster,
        Func<int, ImmutableArray<(AdmissionDemand Demand, Caller Caller)>> asks,
        Func<PolicyChange, Task>? before = null,
        Func<PolicyChange, Task>? after = null)
    {
        var limiter = cluster.Grains.Limiter(Tenant);
        cluster.Faults.AfterCommit = async (_, change) => await (after?.Invoke(change) ?? Task.CompletedTask);
        for (var round = 0; ; round++)
        {
            Assert.InRange(round, 0, 20);
            var held = new TaskCompletionSource();
            var together = 0;
            cluster.Faults.BeforeCommit = async (_, change) =>
            {
                together = Math.Max(together, change.Operations.Length);
                await held.Task;
                await (before?.Invoke(change) ?? Task.CompletedTask);
            };
            var first = limiter.TakeAsync(Demand, As("first"));
            var asked = asks(round).Select(ask => (ask.Caller, Answer: limiter.TakeAsync(ask.Demand, ask.Caller))).ToArray();
            await Task.Delay(Math.Min(2_000, 20 << round));
            held.SetResult();
            await Task.WhenAll(asked.Select(ask => ask.Answer).Append(first));
            if (together > 1)
            {
                return [.. asked.Select(ask => (ask.Caller, ask.Answer.Result))];
            }
        }
    }

    private static async Task<int> CountTakenAsync(PolicyCluster cluster) =>
        (await cluster.Audit.ReadAsync(Tenant, 0, 10_000, "admission")).Count(entry => entry.Draft.Action == "admission.taken");

    private static async Task AssertChainIsWholeAsync(PolicyCluster cluster)
    {
        var found = AuditChain.Verify(await cluster.Audit.ReadAsync(Tenant, 0, 10_000), await cluster.Audit.ReadHeadAsync(Tenant));
        Assert.True(found.Valid, found.Problem?.ToString());
    }
}
