using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Hosting;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Silos with the grains and the feed, on a database of their own.</summary>
public sealed class PolicyCluster : IAsyncDisposable
{
    public const string Tenant = "default";
    public const string Fleet = "edge";

    /// <summary>A contract hour in these tests, in seconds: short enough to skip, long enough not to pass by itself.</summary>
    public const double HourSeconds = 10;

    private readonly InProcessTestCluster _cluster;

    private readonly string _providers;

    private PolicyCluster(InProcessTestCluster cluster, NpgsqlDataSource dataSource, SkippingClock clock, string providers, StoreFaults faults)
    {
        _cluster = cluster;
        Faults = faults;
        _providers = providers;
        Clock = clock;
        DataSource = dataSource;
        Store = new PostgresRolloutStore(dataSource, clock);
        Catalog = new PostgresCatalogStore(dataSource);
        Audit = new PostgresAuditStore(dataSource);
    }

    public SkippingClock Clock { get; }

    /// <summary>What goes wrong around the silos' commits.</summary>
    public StoreFaults Faults { get; }

    public NpgsqlDataSource DataSource { get; }

    public IRolloutStore Store { get; }

    public ICatalogStore Catalog { get; }

    public IAuditStore Audit { get; }

    public IGrainFactory Grains => _cluster.Client;

    public InProcessTestCluster Silos => _cluster;

    public IFleetGrain FleetGrain => Grains.Fleet(Tenant, Fleet);

    /// <summary>The feed of one of the silos.</summary>
    public FleetFeeds Feeds(int silo = 0) => _cluster.Silos[silo].ServiceProvider.GetRequiredService<FleetFeeds>();

    public static async Task<PolicyCluster> StartAsync(string connectionString, short silos = 1)
    {
        var clock = new SkippingClock();
        var dataSource = PolicyDatabase.CreateDataSource(connectionString, poolSizeMax: 30);
        var providers = new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = 10 }.ConnectionString;
        var builder = new InProcessTestClusterBuilder(silos);
        var faults = new StoreFaults();
        builder.ConfigureSilo((options, silo) =>
        {
            silo.AddAdoNetGrainStorage(StateNames.Provider, options =>
            {
                options.Invariant = "Npgsql";
                options.ConnectionString = providers;
            });
            silo.UseAdoNetReminderService(options =>
            {
                options.Invariant = "Npgsql";
                options.ConnectionString = providers;
            });
            silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(5));
            silo.Configure<ClusterMembershipOptions>(options =>
            {
                options.ProbeTimeout = TimeSpan.FromSeconds(1);
                options.NumMissedProbesLimit = 2;
                options.NumVotesForDeathDeclaration = 1;
            });
            silo.Services.AddKeyedSingleton<TimeProvider>(PolicyClock.Key, clock);
            silo.Services.AddSingleton<IRolloutStore>(new WatchedStore(options.SiloName, new PostgresRolloutStore(dataSource, clock), faults));
            silo.Services.AddSingleton<ICatalogStore>(new PostgresCatalogStore(dataSource));
            silo.Services.AddSingleton<IDecisionHistory>(new PostgresDecisionLog(dataSource));
            silo.Services.AddSingleton<IAuditStore>(new PostgresAuditStore(dataSource));
            silo.Services.Configure<RolloutOptions>(options => options.HourSeconds = HourSeconds);
            silo.AddPolicyGrains();
            silo.Services.AddSingleton<PolicyMeter>();
            silo.Services.AddFleetFeeds();
            silo.Services.AddLogging(logging => logging.AddProvider(new FailureLog()));
        });
        builder.ConfigureClient(client => client.Services.AddPolicySerialization());
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new PolicyCluster(cluster, dataSource, clock, providers, faults);
    }

    /// <summary>Somebody with a key of their own.</summary>
    public static Caller As(string subject, string? operationId = null, string? requestHash = null) =>
        new(new Actor(subject, "http", "key-" + subject, []), operationId, requestHash);

    /// <summary>Lets a tenant update as often as a test likes.</summary>
    public async Task LiftLimitAsync() => Value(await Grains.Limiter(Tenant).ConfigureAsync(new UpdateLimits(60_000, 0), As("admin")));

    public async Task<BundleRecord> PublishAsync(string version)
    {
        await TrustAsync();
        return Value(await Grains.Catalog(Tenant).PublishAsync([.. Publisher.Bundle(version)], strict: false, As("alice"))).Bundle;
    }

    public async Task TrustAsync() => Value(await Grains.Catalog(Tenant).SetTrustAsync(Publisher.Root, acceptAffected: false, As("admin")));

    public Task<Outcome<FleetSnapshot>> ConfigureFleetAsync(FleetSettings? settings = null) =>
        FleetGrain.ConfigureAsync(settings ?? new FleetSettings { ReportIntervalSec = 0.5 }, As("olga"));

    /// <summary>A fleet with nodes that runs version 1.0.0, and version 2.0.0 published beside it.</summary>
    public async Task<SimulatedFleet> PrepareFleetAsync(int nodes)
    {
        await LiftLimitAsync();
        var first = await PublishAsync("1.0.0");
        Value(await ConfigureFleetAsync());
        var fleet = await SimulatedFleet.RegisterAsync(this, nodes);
        Value(await FleetGrain.SetBaselineAsync("1.0.0", "first", As("olga")));
        await PublishAsync("2.0.0");
        await fleet.SpeakUntilAsync(first.PolicyHash, nodes);
        return fleet;
    }

    public Task<Outcome<RolloutView>> StartAsync(string id, string version = "2.0.0", string plan = Plans.Doubling, string author = "olga") =>
        Grains.Rollout(Tenant, id).StartAsync(new StartRollout(Fleet, version, Plans.Read(plan), false, "because"), As(author));

    public async Task<RolloutView> GetAsync(string id) => Value(await Grains.Rollout(Tenant, id).GetAsync());

    /// <summary>Changes what the tenant holds back, as the HTTP API does.</summary>
    public async Task RestrainAsync(string action, Func<Restraints, Restraints> change)
    {
        var stored = (await Store.ListControlsAsync(Tenant, ControlKinds.Restraints)).SingleOrDefault();
        await WriteControlAsync(action, ControlWrite.Of(
            ControlKinds.Restraints, ControlKinds.OfTenant, change(stored?.Read<Restraints>() ?? Restraints.None), stored?.Revision ?? 0));
    }

    /// <summary>Writes a control with an audit entry.</summary>
    public async Task WriteControlAsync(string action, ControlWrite control)
    {
        var result = await Store.CommitAsync(new PolicyChange
        {
            Tenant = Tenant,
            Audit = [new() { At = Clock.GetUtcNow(), Actor = "olga", Action = action, Subject = "line", Reason = "incident 7" }],
            Control = control,
        });
        Assert.Equal(CommitStatus.Committed, result.Status);
    }

    /// <summary>Waits until the fleet itself proves that every node runs a hash.</summary>
    public Task FleetConvergedAsync(SimulatedFleet fleet, string policyHash) => UntilAsync(
        async () =>
        {
            await fleet.SpeakAsync();
            return Value(await FleetGrain.ConvergenceAsync(policyHash)) is { Converged: true } proof && proof.OnHash == fleet.Nodes.Length;
        },
        "convergence");

    public static T Value<T>(Outcome<T> outcome)
    {
        Assert.True(outcome.Succeeded, outcome.Problems.IsDefaultOrEmpty ? "" : $"{outcome.Problems[0].Code}: {outcome.Problems[0].Message}");
        return outcome.Value;
    }

    public static string Code<T>(Outcome<T> outcome)
    {
        Assert.False(outcome.Succeeded);
        return outcome.Problems[0].Code;
    }

    /// <summary>Looks until something holds; fails where it does not within 60 s.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
        {
            Assert.False(deadline.IsCancellationRequested, $"Not within 60 s: {what}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await DataSource.DisposeAsync();

        // The providers' connections outlive them, and every test has a database of its own.
        await using var connection = new NpgsqlConnection(_providers);
        NpgsqlConnection.ClearPool(connection);
    }
}
