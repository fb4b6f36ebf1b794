using Microsoft.AspNetCore.Server.Kestrel.Core;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.DecisionLogs;
using OrleansPolicy.Silo.Decisions;
using OrleansPolicy.Silo.Events;
using OrleansPolicy.Silo.Feed;
using OrleansPolicy.Silo.Http;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Prometheus;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.SingleNode;
using OrleansPolicy.Silo.Telemetry;
using OrleansPolicy.Silo.Webhooks;

namespace OrleansPolicy.Silo.Hosting;

/// <summary>Which parts the process has, and the order in which a request passes them.</summary>
internal static class HostComposition
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    public static WebApplicationBuilder CreateBuilder(SiloSettings settings, Task<PolicyDatabase> opening)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "orleans-policy" });
        LogSetup.Configure(builder.Logging, settings);
        ConfigureServer(builder, settings);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = StopTimeout);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(TimeProvider.System);
        AddStores(builder.Services, opening);
        if (settings.Prometheus is { } prometheus)
        {
            builder.Services.AddSingleton(prometheus);
            builder.Services.AddSingleton<PrometheusQueries>();
            builder.Services.AddSingleton<IMetricQueries>(services => services.GetRequiredService<PrometheusQueries>());
            builder.Services.AddHostedService(services => services.GetRequiredService<PrometheusQueries>());
        }

        SiloSetup.Add(builder, settings);
        builder.Services.AddFleetFeeds();
        AddApi(builder.Services);
        if (settings.Otlp is { } otlp)
        {
            OtlpExport.Add(builder.Services, otlp);
        }

        if (settings.PolicyUpdatesFile is not null)
        {
            builder.Services.AddHostedService<PolicyUpdatesReader>();
        }

        return builder;
    }

    /// <summary>From the outside in: whether it stops, counting, errors, who it is, how often, whether they may, what they want.</summary>
    public static void UseApi(WebApplication app)
    {
        // It counts from the start, not from when somebody first reads it.
        _ = app.Services.GetRequiredService<PrometheusText>();
        _ = app.Services.GetRequiredService<ReloadMetrics>();
        _ = app.Services.GetRequiredService<RolloutMeter>();
        OtlpExport.Begin(app.Services);
        app.UseMiddleware<Draining>();

        // Outside of what makes answers of exceptions: what counts is what was answered.
        app.UseMiddleware<RequestMetrics>();
        app.UseMiddleware<ErrorAnswers>();
        app.UseRouting();
        app.UseMiddleware<ApiKeyAuthentication>();
        app.UseRateLimiter();
        app.UseMiddleware<AccessControl>();
        app.MapApi();
    }

    private static void ConfigureServer(WebApplicationBuilder builder, SiloSettings settings)
    {
        builder.WebHost.UseUrls(settings.Urls);
        if (settings.Urls.Contains("https:", StringComparison.OrdinalIgnoreCase))
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;

            // Each call has its own, lower limit. Up to this one what is too much is read and dropped, so that the refusal arrives.
            server.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
            server.Limits.MaxConcurrentConnections = 30_000;
            server.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            server.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 10_000, gracePeriod: TimeSpan.FromSeconds(10));
        });
    }

    // The database is open before anything resolves from here: the host waits for it before it starts.
    private static void AddStores(IServiceCollection services, Task<PolicyDatabase> opening)
    {
        services.AddSingleton(_ => opening.GetAwaiter().GetResult());
        services.AddSingleton(services => new WriteHealth(services.GetRequiredService<PolicyDatabase>().DataSource));
        services.AddSingleton<IRolloutStore>(services => new PostgresRolloutStore(
            services.GetRequiredService<PolicyDatabase>().DataSource, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<WriteHealth>()));
        services.AddSingleton<ICatalogStore>(services => new PostgresCatalogStore(services.GetRequiredService<PolicyDatabase>().DataSource));
        services.AddSingleton<IAuditStore>(services => new PostgresAuditStore(services.GetRequiredService<PolicyDatabase>().DataSource));
        services.AddSingleton(services => new PostgresDecisionLog(services.GetRequiredService<PolicyDatabase>().DataSource));
        services.AddSingleton<IDecisionHistory>(services => services.GetRequiredService<PostgresDecisionLog>());
        services.AddSingleton(services => new PostgresWebhooks(services.GetRequiredService<PolicyDatabase>().DataSource));
        services.AddSingleton(services => new PastRows(services.GetRequiredService<PolicyDatabase>().DataSource, services.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IKeyStore>(services => new PostgresKeyStore(services.GetRequiredService<PolicyDatabase>().DataSource));
    }

    private static void AddApi(IServiceCollection services)
    {
        services.AddSingleton<KeyCache>();
        services.AddHostedService<RevocationReader>();
        services.AddSingleton<DecisionLogSweeper>();
        services.AddHostedService(services => services.GetRequiredService<DecisionLogSweeper>());
        services.AddHostedService<PastRowsSweeper>();
        services.AddSingleton<WebhookTransport>();
        services.AddHostedService<WebhookSender>();
        services.AddSingleton<WebhookNumbers>();
        services.AddSingleton<TenantDirectory>();
        services.AddSingleton<ControlWrites>();
        services.AddSingleton<OperationMemory>();
        services.AddSingleton<OperationGate>();
        services.AddSingleton<StreamPlaces>();
        services.AddSingleton<EventStreams>();
        services.AddSingleton<ReadinessCheck>();
        services.AddHostedService<HeapTrimmer>();
        services.AddSingleton<PrometheusText>();
        services.AddSingleton<RolloutNumbers>();
        services.AddSingleton<StoredNumbers>();
        services.AddSingleton<BundleVersions>();
        services.AddSingleton<RuleSetCache>();
        services.AddSingleton<Trials>();
        services.AddSingleton<FleetTruth>();
        services.AddSingleton<ServedRules>();
        services.AddSingleton<ReloadMetrics>();
        services.AddSingleton<BundlesFolder>();
        services.AddSingleton<LocalNode>();
        services.AddHostedService(services => services.GetRequiredService<LocalNode>());
        BrowserSessions.Add(services);
        services.AddRequestLimits();
        services.AddApiDescription();
    }
}
