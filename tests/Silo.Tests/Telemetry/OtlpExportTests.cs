using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Telemetry;

/// <summary>What a collector hears.</summary>
[Collection(OneControlPlane.Name)]
public sealed class OtlpExportTests(PostgresServer server, ControlPlane silent)
{
    [Fact]
    public async Task A_request_is_one_trace_from_http_through_the_grain_to_its_statements()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await RunAsync(collector, async (_, admin) =>
        {
            (await admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 30, min_interval_sec = 1 })).Expect(200);
        });

        var spans = collector.Spans;

        // Other tests' requests in this process are told too: what is true of this one is true of one of them.
        Assert.Contains(spans, span => span.Source == "Npgsql"
            && Above(span).FirstOrDefault(parent => parent.Source.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal)) is { Name: "IRateLimiterGrain/ConfigureAsync" }
            && Above(span).Last() is { Source: "Microsoft.AspNetCore", Name: "PUT /v1/{tenant}/admission/config", Parent: "" });

        IEnumerable<OtlpReceiver.Span> Above(OtlpReceiver.Span span)
        {
            while (spans.FirstOrDefault(other => other.Id == span.Parent && other.Trace == span.Trace) is { } parent)
            {
                yield return parent;
                span = parent;
            }
        }
    }

    [Fact]
    public async Task Metrics_and_logs_arrive_too_with_what_is_stored()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await RunAsync(collector, async (host, admin) =>
        {
            (await admin.GetAsync("/v1/default/rollouts")).Expect(200);
            host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Test").LogWarning("seen by the {Who}", "collector");
        });

        Assert.Contains("policy_http_requests_total", collector.Metrics);
        Assert.Contains("policy_store_up", collector.Metrics);
        Assert.Contains("seen by the collector", collector.Logs);
    }

    [Fact]
    public async Task Nobody_traces_unless_told_to()
    {
        Assert.Null(silent.Host.Services.GetService<TracerProvider>());
        using var anybody = silent.Anybody();
        (await anybody.GetAsync("/healthz")).Expect(200);
    }

    private async Task RunAsync(OtlpReceiver collector, Func<PolicyHost, ApiClient, Task> use)
    {
        using var folder = new TemporaryFolder();
        await using var host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = folder.Path,
            ConnectionString = await server.CreateDatabaseAsync(),
            Otlp = new OtlpSettings(collector.Address),
        });
        using var admin = new ApiClient(new Uri(host.Addresses.Single()), (await File.ReadAllTextAsync(folder["admin.key"])).Trim());

        // The client is this process too: a trace of the test's own would be the request's parent.
        Activity.Current = null;
        await use(host, admin);
    }
}
