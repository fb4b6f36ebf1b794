using OrleansPolicy.Abstractions;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Tests.Cluster;
using OrleansPolicy.Silo.Tests.Postgres;
using static OrleansPolicy.Grains.Tests.Cluster.PolicyCluster;

namespace OrleansPolicy.Grains.Tests;

/// <summary>What may be published, and where tags may point.</summary>
public class CatalogTests(PostgresServer server)
{
    [Fact]
    public async Task Nothing_is_published_before_a_trust_root_or_without_its_signature()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        var catalog = cluster.Grains.Catalog(Tenant);
        Assert.Equal("trust.unset", Code(await catalog.PublishAsync([.. Publisher.Bundle("1.0.0")], strict: false, As("alice"))));

        await cluster.TrustAsync();
        Assert.StartsWith("bundle.", Code(await catalog.PublishAsync([.. Publisher.WithoutSignature("1.0.0")], strict: false, As("alice"))), StringComparison.Ordinal);
        Assert.StartsWith("bundle.", Code(await catalog.PublishAsync([.. "not json"u8.ToArray()], strict: false, As("alice"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_names_one_bundle_for_good()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.LiftLimitAsync();
        await cluster.PublishAsync("1.0.0");

        var other = Publisher.Bundle("1.0.0", """, "expires_at": "2126-01-01T00:00:00Z" """);

        Assert.Equal("bundle.version_taken", Code(await cluster.Grains.Catalog(Tenant).PublishAsync([.. other], strict: false, As("alice"))));
    }

    [Fact]
    public async Task Expired_and_replayed_bundles_are_refused()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.LiftLimitAsync();
        await cluster.TrustAsync();
        var catalog = cluster.Grains.Catalog(Tenant);
        Value(await catalog.PublishAsync([.. Publisher.Bundle("2.0.0", ", \"sequence\": 7")], strict: false, As("alice")));

        Assert.Equal("bundle.replayed", Code(await catalog.PublishAsync([.. Publisher.Bundle("2.0.1", ", \"sequence\": 6")], strict: false, As("alice"))));
        Assert.Equal("bundle.expired", Code(await catalog.PublishAsync([.. Publisher.Bundle("2.0.2", ", \"expires_at\": \"2026-01-02T00:00:00Z\"")], strict: false, As("alice"))));
    }

    [Fact]
    public async Task The_same_trust_root_again_is_the_same_and_another_needs_the_old_ones_signature()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.TrustAsync();
        await cluster.TrustAsync();

        var usurper = Publisher.Root with { Version = 2, Keys = [Publisher.Root.Keys[0] with { KeyId = "other" }] };

        Assert.Equal("trust.locked", Code(await cluster.Grains.Catalog(Tenant).SetTrustAsync(usurper, acceptAffected: false, As("mallory"))));
        Assert.Equal(1, (await cluster.Catalog.ReadTrustRootAsync(Tenant))!.Version);
    }

    [Theory]
    [InlineData(TrustKeyState.Retired, true)]
    [InlineData(TrustKeyState.Compromised, false)]
    public async Task What_a_retired_key_signed_may_still_be_started_and_what_a_compromised_one_signed_may_not(TrustKeyState state, bool starts)
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.PrepareFleetAsync(16);

        Assert.Equal(2, Value(await cluster.Grains.Catalog(Tenant).SetTrustAsync(Publisher.NextRoot(state), acceptAffected: true, As("admin"))).Version);

        Assert.StartsWith("bundle.", Code(await cluster.Grains.Catalog(Tenant).PublishAsync([.. Publisher.Bundle("3.0.0")], strict: false, As("alice"))), StringComparison.Ordinal);
        var started = await cluster.StartAsync("r1");
        Assert.Equal(starts, started.Succeeded);
    }

    [Fact]
    public async Task Golden_is_a_fleets_tag()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.LiftLimitAsync();
        var bundle = await cluster.PublishAsync("1.0.0");
        var catalog = cluster.Grains.Catalog(Tenant);

        Assert.Equal("tag.fleet_required", Code(await catalog.MoveTagAsync("golden", null, "1.0.0", "because", As("alice"))));
        Assert.Equal("fleet.unknown", Code(await catalog.MoveTagAsync("golden", "nowhere", "1.0.0", "because", As("alice"))));
        Assert.Equal("bundle.unknown", Code(await catalog.MoveTagAsync("candidate", null, "9.9.9", "because", As("alice"))));
        Assert.Equal(bundle.PolicyHash, Value(await catalog.MoveTagAsync("candidate", null, "1.0.0", "because", As("alice"))).PolicyHash);
    }

    [Fact]
    public async Task Asking_a_thousand_times_under_one_id_publishes_once()
    {
        await using var cluster = await StartAsync(await server.CreateDatabaseAsync());
        await cluster.LiftLimitAsync();
        await cluster.TrustAsync();
        var bundle = Publisher.Bundle("1.0.0");

        var answers = await Task.WhenAll(Enumerable.Range(0, 100)
            .Select(_ => cluster.Grains.Catalog(Tenant).PublishAsync([.. bundle], strict: false, As("alice", "op-1", "hash"))));

        Assert.Single(answers, answer => answer.Succeeded);
        Assert.All(answers.Where(answer => !answer.Succeeded), answer => Assert.Equal(CommonCodes.OperationExists, Code(answer)));
        var stored = await cluster.Store.ReadOperationAsync("key-alice", "op-1");
        Assert.Equal(201, stored!.Status);
        Assert.Contains("\"existed\":false", stored.Response, StringComparison.Ordinal);
        var entries = await cluster.Audit.ReadAsync(Tenant, 0, 1000);
        Assert.Single(entries, entry => entry.Draft.Action == "bundle.published");
    }
}
