using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>The limiter stands before every update.</summary>
public class AdmissionTests(PostgresServer server)
{
    private static readonly AdmissionDemand Demand = new(AdmissionDemand.Admission);

    [Fact]
    public async Task A_second_publication_within_the_interval_is_refused_and_told_when_to_come_back()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PublishAsync("1.0.0");

        var refused = await cluster.Grains.Catalog(Tenant).PublishAsync([.. Publisher.Bundle("2.0.0")], strict: false, As("alice"));

        Assert.Equal(CommonCodes.AdmissionRefused, Code(refused));
        Assert.InRange(refused.RetryAfter!.Value.TotalSeconds, 3, 6);
        Assert.Null(await cluster.Catalog.FindBundleAsync(Tenant, "2.0.0"));
        cluster.Clock.Skip(refused.RetryAfter.Value);
        await cluster.PublishAsync("2.0.0");
    }

    [Fact]
    public async Task Content_that_is_there_already_takes_no_admission()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.TrustAsync();
        var bundle = Publisher.Bundle("1.0.0");
        Assert.False(Value(await cluster.Grains.Catalog(Tenant).PublishAsync([.. bundle], strict: false, As("alice"))).Existed);

        Assert.True(Value(await cluster.Grains.Catalog(Tenant).PublishAsync([.. bundle], strict: false, As("bob"))).Existed);
    }

    [Fact]
    public async Task An_operation_that_was_done_before_is_not_refused()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Assert.True(Value(await limiter.TakeAsync(Demand, As("alice", "op-1"))).Allowed);

        Assert.Equal(CommonCodes.OperationExists, Code(await limiter.TakeAsync(Demand, As("alice", "op-1"))));
        Assert.False(Value(await limiter.TakeAsync(Demand, As("alice", "op-2"))).Allowed);
    }

    [Fact]
    public async Task The_bound_holds_however_many_ask_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Value(await limiter.ConfigureAsync(new UpdateLimits(5, 0), As("admin")));

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => limiter.TakeAsync(Demand, As("alice"))));

        Assert.Equal(5, answers.Count(answer => Value(answer).Allowed));
        Assert.Equal("admission.limit_invalid", Code(await limiter.ConfigureAsync(new UpdateLimits(0, -1), As("admin"))));
    }

    [Fact]
    public async Task What_was_admitted_is_known_after_the_limiter_was_gone()
    {
        var database = await server.CreateDatabaseAsync();
        await using (var cluster = await StartAsync(database))
        {
            Assert.True(Value(await cluster.Grains.Limiter(Tenant).TakeAsync(Demand, As("alice"))).Allowed);
        }

        await using var again = await StartAsync(database);
        Assert.False(Value(await again.Grains.Limiter(Tenant).PeekAsync(Demand)).Allowed);
    }

    [Fact]
    public async Task Who_came_first_is_admitted_first_and_nobody_overtakes()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Value(await limiter.ConfigureAsync(new UpdateLimits(60_000, 100), As("admin")));
        Assert.True(Value(await limiter.TakeAsync(Demand, As("alice"))).Allowed);

        var first = Value(await limiter.TakeAsync(Demand, Waiting("bob")));
        var second = Value(await limiter.TakeAsync(Demand, Waiting("cid")));
        var third = Value(await limiter.TakeAsync(Demand, Waiting("dan")));

        Assert.Equal((AdmissionAnswer.ByInterval, AdmissionAnswer.ByQueue), (first.LimitedBy, second.LimitedBy));
        Assert.InRange(second.TimeUntilNextSec, 180, 200);
        Assert.InRange(third.TimeUntilNextSec, 280, 300);
        cluster.Clock.Skip(TimeSpan.FromSeconds(101));

        // It is bob's turn, and nobody else's.
        Assert.False(Value(await limiter.TakeAsync(Demand, As("eve"))).Allowed);
        Assert.False(Value(await limiter.TakeAsync(Demand, Waiting("cid"))).Allowed);
        Assert.True(Value(await limiter.TakeAsync(Demand, Waiting("bob"))).Allowed);

        // Who gives up makes room, and who does not come in time too.
        await limiter.LeaveAsync("place-cid");
        cluster.Clock.Skip(TimeSpan.FromSeconds(400));
        Assert.True(Value(await limiter.TakeAsync(Demand, As("eve"))).Allowed);
        Assert.InRange(Value(await limiter.PeekAsync(Demand)).TimeUntilNextSec, 80, 100);
    }

    [Fact]
    public async Task The_queue_has_a_bound_and_admits_no_more_than_the_limit()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Value(await limiter.ConfigureAsync(new UpdateLimits(2, 0), As("admin")));
        var answers = await Task.WhenAll(Enumerable.Range(0, 103).Select(n => limiter.TakeAsync(Demand, Waiting($"p{n}"))));

        Assert.Equal(2, answers.Count(answer => answer.Value?.Allowed == true));
        var full = Assert.Single(answers, answer => !answer.Succeeded);
        Assert.Equal(CommonCodes.AdmissionQueueFull, Code(full));
        Assert.InRange(full.RetryAfter!.Value.TotalSeconds, 2_900, 3_030);
    }

    [Fact]
    public async Task All_limits_are_taken_together_or_none_and_are_known_after_the_limiter_was_gone()
    {
        var database = await server.CreateDatabaseAsync();
        var ofEdge = new AdmissionDemand(AdmissionDemand.Admission, "edge", "alice");
        await using (var cluster = await StartAsync(database))
        {
            var limiter = cluster.Grains.Limiter(Tenant);
            Value(await limiter.ConfigureAsync(new UpdateLimits(1_000, 0) { Fleet = new UpdateLimit(3, 0), Operator = new UpdateLimit(100, 0) }, As("admin")));
            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => limiter.TakeAsync(ofEdge, As("alice"))));
            Assert.Equal(3, answers.Count(answer => Value(answer).Allowed));
        }

        await using var again = await StartAsync(database);
        var known = again.Grains.Limiter(Tenant);
        Assert.Equal("fleet/edge", Value(await known.TakeAsync(ofEdge, As("alice"))).Scope);
        Assert.False(Value(await known.TakeAsync(ofEdge, As("alice"))).Allowed);
        var ofAlice = Value(await known.PeekAsync(ofEdge with { Fleet = null }));
        Assert.True(ofAlice.Allowed);
        Assert.Equal(3, Value(await known.ReadLimitsAsync()).Fleet!.MaxUpdatesPerMinute);
    }

    [Fact]
    public async Task What_a_file_says_is_put_in_force_once_and_what_came_last_counts()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        var file = new UpdateLimits(5, 1) { FileHash = "f1" };
        Assert.Equal(5, Value(await limiter.ConfigureAsync(file, As("file"))).MaxUpdatesPerMinute);
        Assert.Equal(7, Value(await limiter.ConfigureAsync(new UpdateLimits(7, 1), As("admin"))).MaxUpdatesPerMinute);

        // The same file again, as after a restart.
        Assert.Equal(7, Value(await limiter.ConfigureAsync(file, As("file"))).MaxUpdatesPerMinute);
        Assert.Equal(6, Value(await limiter.ConfigureAsync(file with { MaxUpdatesPerMinute = 6, FileHash = "f2" }, As("file"))).MaxUpdatesPerMinute);

        var changes = await cluster.Audit.ReadAsync(Tenant, 0, 100, "admission");
        Assert.Equal(["file", "admin", "file"], changes.Select(entry => entry.Draft.Actor));
    }

    private static Caller Waiting(string subject) => As(subject) with { Place = "place-" + subject };
}
