using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansPolicy.Silo.Tests.Telemetry;

/// <summary>A collector that keeps what it is sent by OTLP over HTTP.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, byte[] Body)> _heard = new();

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            _heard.Enqueue((signal, body.ToArray()));
            return Results.Bytes([], "application/x-protobuf");
        });
    }

    public Uri Address => new(_app.Urls.Single());

    /// <summary>Every span: of ExportTraceServiceRequest field 1 (resources), 2 (scopes), 2 (spans).</summary>
    public IReadOnlyList<Span> Spans =>
    [
        .. from request in Of("traces")
           from resource in request.Of(1)
           from scope in resource.Of(2)
           from span in scope.Of(2)
           select new Span(
               scope.Of(1).Single().Of(1).Single().Text, span.Of(5).Single().Text, span.Of(1).Single().Hex, span.Of(2).Single().Hex,
               span.Of(4).SingleOrDefault().Hex),
    ];

    /// <summary>The names of all metrics.</summary>
    public IReadOnlyList<string> Metrics =>
        [.. from request in Of("metrics") from resource in request.Of(1) from scope in resource.Of(2) from metric in scope.Of(2) select metric.Of(1).Single().Text];

    /// <summary>The texts of all log records.</summary>
    public IReadOnlyList<string> Logs =>
        [.. from request in Of("logs") from resource in request.Of(1) from scope in resource.Of(2) from record in scope.Of(2) from body in record.Of(5) from text in body.Of(1) select text.Text];

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IEnumerable<Protobuf> Of(string signal) => _heard.Where(one => one.Signal == signal).Select(one => new Protobuf(one.Body));

    /// <summary>One span; an empty parent: it begins a trace.</summary>
    internal sealed record Span(string Source, string Name, string Trace, string Id, string Parent);
}
