using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>The limiter stands before every update.</summary>
public class AdmissionTests(PostgresServer server)
{
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
        Assert.True(Value(await limiter.TakeAsync(As("alice", "op-1"))).Allowed);

        Assert.Equal(CommonCodes.OperationExists, Code(await limiter.TakeAsync(As("alice", "op-1"))));
        Assert.False(Value(await limiter.TakeAsync(As("alice", "op-2"))).Allowed);
    }

    [Fact]
    public async Task The_bound_holds_however_many_ask_at_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var limiter = cluster.Grains.Limiter(Tenant);
        Value(await limiter.ConfigureAsync(new UpdateLimit(5, 0), As("admin")));

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => limiter.TakeAsync(As("alice"))));

        Assert.Equal(5, answers.Count(answer => Value(answer).Allowed));
        Assert.Equal("admission.limit_invalid", Code(await limiter.ConfigureAsync(new UpdateLimit(0, -1), As("admin"))));
    }

    [Fact]
    public async Task What_was_admitted_is_known_after_the_limiter_was_gone()
    {
        var database = await server.CreateDatabaseAsync();
        await using (var cluster = await StartAsync(database))
        {
            Assert.True(Value(await cluster.Grains.Limiter(Tenant).TakeAsync(As("alice"))).Allowed);
        }

        await using var again = await StartAsync(database);
        Assert.False(Value(await again.Grains.Limiter(Tenant).PeekAsync()).Allowed);
    }
}
