using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OrleansPolicy.Silo.Configuration;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>
/// Sends traces, metrics and logs to a collector. ASP.NET Core, the engine and Npgsql make the spans; who listens is all there is to
/// say. What else is to be set (headers, resource, sampling, intervals) is set by OpenTelemetry's own environment variables.
/// </summary>
internal static class OtlpExport
{
    private const string ServiceName = "orleans-policy";

    // Orleans takes every namespace that begins with its name for its own: calls of our grains come from its runtime's source.
    private static readonly string[] Traced = ["Microsoft.AspNetCore", "Microsoft.Orleans.Application", "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Storage", "Npgsql"];

    private static readonly string[] Measured =
        [PolicyMeter.Name, PolicyMeter.Name + ".*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Orleans", "Npgsql", "System.Runtime"];

    public static void Add(IServiceCollection services, OtlpSettings settings) => new Builder(services)
        .ConfigureResource(resource => resource
            .AddService(ServiceName, serviceVersion: Usage.Version, serviceInstanceId: $"{Environment.MachineName}/{Environment.ProcessId}")
            .AddEnvironmentVariableDetector())
        .WithTracing(traces => traces.AddSource(Traced))
        .WithMetrics(metrics => metrics.AddMeter(Measured))
        .WithLogging(configureBuilder: null, logs => logs.IncludeFormattedMessage = true)
        .UseOtlpExporter(settings.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf, settings.Endpoint);

    /// <summary>They listen from when they are made; the container ends them, and they send what is left.</summary>
    public static void Begin(IServiceProvider services)
    {
        if (services.GetService<TracerProvider>() is not null)
        {
            _ = services.GetRequiredService<MeterProvider>();
            _ = services.GetRequiredService<StoredNumbers>();
        }
    }

    private sealed record Builder(IServiceCollection Services) : IOpenTelemetryBuilder;
}
