using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.SingleNode;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>The whole process: database, silo and HTTP API, started together and stopped in the reverse order.</summary>
public sealed class PolicyHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private Task? stopping;

    private PolicyHost(WebApplication app, PolicyDatabase database)
    {
        this.app = app;
        Database = database;
    }

    /// <summary>What the parts of the process offer.</summary>
    public IServiceProvider Services => app.Services;

    /// <summary>The database in use.</summary>
    public PolicyDatabase Database { get; }

    /// <summary>Where it listens; port 0 has become the real one.</summary>
    public IReadOnlyCollection<string> Addresses =>
        [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    /// <summary>
    /// Starts everything; ready when it returns. Opening the database takes longest, so the rest is put together meanwhile.
    /// Throws <see cref="ConfigurationFailureException"/>, <see cref="DatabaseException"/>, <see cref="StartFailureException"/>.
    /// </summary>
    public static async Task<PolicyHost> StartAsync(SiloSettings settings, Action<WebApplicationBuilder>? configure = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var loggers = LoggerFactory.Create(logging => LogSetup.Configure(logging, settings));
        var opening = Task.Run(() => OpenDatabaseAsync(settings, loggers, cancellationToken), cancellationToken);
        WebApplication? app = null;
        try
        {
            var builder = HostComposition.CreateBuilder(settings, opening);
            configure?.Invoke(builder);
            app = builder.Build();
            HostComposition.UseApi(app);
            var database = await opening;
            await FirstAdminKey.EnsureAsync(
                settings, app.Services.GetRequiredService<IKeyStore>(), app.Services.GetRequiredService<IRolloutStore>(),
                app.Services.GetRequiredKeyedService<TimeProvider>(PolicyClock.Key));
            await StartAsync(app, settings, cancellationToken);
            await ChecksOf(database, settings, loggers).CheckAloneAsync(cancellationToken);
            await BeginLocalNodeAsync(app, cancellationToken);
            return new PolicyHost(app, database);
        }
        catch (Exception exception)
        {
            await AbandonAsync(app);
            await CloseDatabaseAsync(opening);
            if (exception is StoreUnavailableException)
            {
                throw new StartFailureException("start.database_away", $"The database went away while starting: {exception.Message}", exception);
            }

            throw;
        }
    }

    /// <summary>
    /// Brings the schema up to date without serving: for installations where silos' own user may not change it. Throws as
    /// <see cref="StartAsync(SiloSettings, Action{WebApplicationBuilder}?, CancellationToken)"/> does.
    /// </summary>
    public static async Task MigrateAsync(SiloSettings settings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.ConnectionString is null)
        {
            throw new ConfigurationFailureException("config.migrate", "--migrate-only needs --connection-string: a private database is brought up to date when it is started.");
        }

        using var loggers = LoggerFactory.Create(logging => LogSetup.Configure(logging, settings));
        await new SchemaMigrator(settings.ConnectionString, SchemaStep.Embedded(), loggers.CreateLogger("OrleansPolicy.Database")).MigrateAsync(cancellationToken);
    }

    /// <summary>
    /// Until SIGTERM or SIGINT (null), or until a part of it that is to run for as long as the process has failed (why). The process still
    /// answers, and says that it stops: <see cref="DisposeAsync"/> ends it.
    /// </summary>
    public async Task<Exception?> WaitForStopAsync()
    {
        var parts = Services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Lifetime.ApplicationStopping.Register(told.SetResult);
        await told.Task;
        return parts.Select(part => part.ExecuteTask?.Exception?.GetBaseException()).FirstOrDefault(failure => failure is not null);
    }

    /// <summary>Says that it stops, goes on answering for <see cref="SiloSettings.Drain"/>, and then finishes what it began.</summary>
    public ValueTask DisposeAsync() => new(stopping ??= StopAsync());

    private async Task StopAsync()
    {
        app.Lifetime.StopApplication();
        await Task.Delay(app.Services.GetRequiredService<SiloSettings>().Drain);
        await app.StopAsync();
        await app.DisposeAsync();
        await Database.DisposeAsync();
    }

    private static async Task StartAsync(WebApplication app, SiloSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new ConfigurationFailureException("config.address_in_use", $"Cannot listen on {settings.Urls}: {exception.Message}", exception);
        }
        catch (Exception exception) when ((exception as SocketException ?? exception.InnerException as SocketException) is { } socket)
        {
            throw new ConfigurationFailureException("config.urls", $"Cannot listen on {settings.Urls}: {socket.Message}", exception);
        }
        catch (OrleansException exception)
        {
            throw new StartFailureException(
                "cluster.join", $"The silo could not join: {exception.Message} The silos of a cluster must reach each other at the addresses that they advertise.", exception);
        }
    }

    private static async Task BeginLocalNodeAsync(WebApplication app, CancellationToken cancellationToken)
    {
        app.Services.GetRequiredService<BundlesFolder>().Create();
        try
        {
            await app.Services.GetRequiredService<LocalNode>().BeginAsync(cancellationToken);
        }
        catch (ArgumentException exception)
        {
            throw new ConfigurationFailureException("config.trust_root", exception.Message, exception);
        }
    }

    // What had started is stopped too: a silo that got half way would go on looking for its database for as long as the process lives.
    private static async Task AbandonAsync(WebApplication? app)
    {
        if (app is null)
        {
            return;
        }

        try
        {
            await app.StopAsync(new CancellationToken(canceled: true));
        }
        catch (Exception)
        {
            // Whoever waits for the host hears why it did not start; why it could not stop as well adds nothing.
        }

        await app.DisposeAsync();
    }

    private static async Task<PolicyDatabase> OpenDatabaseAsync(SiloSettings settings, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var database = await PolicyDatabase.OpenAsync(
            new PolicyDatabaseOptions
            {
                ConnectionString = settings.ConnectionString,
                Private = new PrivatePostgresOptions { DataFolder = settings.DataFolder },
                ConnectionsMax = settings.ConnectionsMax,
                Shared = settings.Cluster.IsJoined,
            },
            loggers,
            cancellationToken);
        try
        {
            await ChecksOf(database, settings, loggers).RunAsync(cancellationToken);
            return database;
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    private static StartChecks ChecksOf(PolicyDatabase database, SiloSettings settings, ILoggerFactory loggers) =>
        new(database.DataSource, settings.Cluster, TimeProvider.System, loggers.CreateLogger("OrleansPolicy.Start"));

    private static async Task CloseDatabaseAsync(Task<PolicyDatabase> opening)
    {
        try
        {
            await (await opening).DisposeAsync();
        }
        catch (Exception exception) when (exception is DatabaseException or ConfigurationFailureException or StartFailureException or OperationCanceledException)
        {
            // It never opened; whoever waits for the host hears that.
        }
    }
}
