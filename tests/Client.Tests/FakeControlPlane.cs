using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client.Tests;

/// <summary>
/// A control plane that says exactly what a test wants, over real HTTP on a free port: the agent under test cannot tell it from
/// the real one. It keeps what it was told.
/// </summary>
internal sealed class FakeControlPlane : IAsyncDisposable
{
    public const string Tenant = "default";
    public const string Fleet = "edge";

    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private NodeDirective _directive = new() { Epoch = 0, LeaseSec = 45, ReportIntervalSec = 0.2 };
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _tag;
    private int _unchanged;

    private FakeControlPlane(WebApplication app)
    {
        _app = app;
    }

    public Uri Address { get; private set; } = null!;

    public ConcurrentDictionary<string, byte[]> Contents { get; } = new();

    public ConcurrentDictionary<int, TrustRoot> Roots { get; } = new();

    public ConcurrentQueue<NodeReport> Reports { get; } = new();

    /// <summary>Lines of decision logs, each batch once.</summary>
    public ConcurrentQueue<string> Decisions { get; } = new();

    public ConcurrentQueue<string> Batches { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    public ConcurrentQueue<string?> Keys { get; } = new();

    /// <summary>Answers a request in the server's place: true, it was answered.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    /// <summary>Where the directive says that content lies; by default where it does.</summary>
    public Func<string, string> ContentUrl { get; set; } = hash => $"/v1/{Tenant}/bundles/{hash}/content";

    /// <summary>Whether a poll is held until something changes.</summary>
    public bool Holds { get; set; } = true;

    /// <summary>How many polls were answered with "unchanged".</summary>
    public int Unchanged => Volatile.Read(ref _unchanged);

    public int Count(string part) => Requests.Count(r => r.Contains(part, StringComparison.Ordinal));

    /// <summary>Starts it.</summary>
    /// <param name="certificate">The certificate that it shows; null: it speaks plain HTTP.</param>
    public static async Task<FakeControlPlane> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(o => o.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        var app = builder.Build();
        var plane = new FakeControlPlane(app);
        app.Use(plane.ObserveAsync);
        var fleet = $"/v1/{Tenant}/fleets/{Fleet}/nodes/{{node}}";
        app.MapPut(fleet, (string node) => Json(new { Node = node, Directive = plane.Current().Directive }));
        app.MapGet(fleet + "/directive", plane.DirectiveAsync);
        app.MapPost(fleet + "/report", (Delegate)plane.ReportAsync);
        app.MapGet($"/v1/{Tenant}/bundles/{{hash}}/content", (string hash) =>
            plane.Contents.TryGetValue(hash, out var content) ? Results.Bytes(content, "application/json") : Problem(404, "bundle.unknown"));
        app.MapGet($"/v1/{Tenant}/trust", () => plane.Roots.MaxBy(root => root.Key).Value is { } newest ? Json(newest) : Problem(404, "trust.unknown"));
        app.MapGet($"/v1/{Tenant}/trust/{{version:int}}", (int version) =>
            plane.Roots.TryGetValue(version, out var root) ? Json(root) : Problem(404, "trust.unknown"));
        app.MapPost($"/v1/{Tenant}/fleets/{Fleet}/decisions", (Delegate)plane.StoreDecisionsAsync);
        app.MapGet($"/v1/{Tenant}/fleets/{Fleet}/decisions", (int after = 0, int limit = 100, int last = 0) => plane.ReadDecisions(last > 0 ? 0 : after, last > 0 ? last : Math.Min(limit, 2)));
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        plane.Address = new Uri(addresses.Addresses.Single());
        return plane;
    }

    public static IResult Problem(int status, string code) => Results.Text(
        JsonSerializer.Serialize(new { Type = "about:blank", Title = code, Status = status, Detail = code, Code = code }, PolicyJson.Options),
        "application/problem+json", statusCode: status);

    public static IResult Json<T>(T value) => Results.Text(JsonSerializer.Serialize(value, PolicyJson.Options), "application/json");

    /// <summary>Publishes content, so that a directive may demand it.</summary>
    public SignedBundle Store(SignedBundle bundle)
    {
        Contents[bundle.Hash] = bundle.Content;
        return bundle;
    }

    /// <summary>Demands a bundle under the next epoch.</summary>
    public long Demand(SignedBundle bundle, SignedBundle? fallback = null) => Change(d => d with
    {
        Epoch = d.Epoch + 1,
        PolicyHash = bundle.Hash,
        Version = bundle.Version,
        FallbackHash = fallback?.Hash,
    });

    public long Change(Func<NodeDirective, NodeDirective> change)
    {
        lock (_lock)
        {
            _directive = change(_directive);
            _tag++;
            var told = _changed;
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            told.TrySetResult();
            return _directive.Epoch;
        }
    }

    public ValueTask DisposeAsync()
    {
        Change(d => d);
        return _app.DisposeAsync();
    }

    private (NodeDirective Directive, string Tag, Task Changed) Current()
    {
        lock (_lock)
        {
            var url = _directive.PolicyHash is { } hash ? ContentUrl(hash) : null;
            return (_directive with { ContentUrl = url }, $"\"{_tag}\"", _changed.Task);
        }
    }

    private async Task ObserveAsync(HttpContext http, RequestDelegate next)
    {
        Requests.Enqueue($"{http.Request.Method} {http.Request.Path}");
        Keys.Enqueue(http.Request.Headers.Authorization);
        if (Intercept is not { } intercept || !await intercept(http))
        {
            await next(http);
        }
    }

    private async Task<IResult> DirectiveAsync(HttpContext http, int wait = 0)
    {
        var (directive, tag, changed) = Current();
        if (http.Request.Headers.IfNoneMatch == tag)
        {
            if (Holds)
            {
                await Task.WhenAny(changed, Task.Delay(TimeSpan.FromSeconds(wait), http.RequestAborted));
            }

            (directive, var now, _) = Current();
            if (now == tag)
            {
                if (directive.LeaseSec is { } lease)
                {
                    http.Response.Headers["Lease-Sec"] = lease.ToString(System.Globalization.CultureInfo.InvariantCulture);
                }

                Interlocked.Increment(ref _unchanged);
                return Results.StatusCode(304);
            }

            tag = now;
        }

        http.Response.Headers.ETag = tag;
        return Json(directive);
    }

    private async Task<IResult> StoreDecisionsAsync(HttpContext http, string batch)
    {
        using var reader = new StreamReader(http.Request.Body);
        var lines = (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lock (_lock)
        {
            if (Batches.Contains(batch))
            {
                return Json(new StoredDecisions(0, lines.Length));
            }

            Batches.Enqueue(batch);
            Array.ForEach(lines, Decisions.Enqueue);
        }

        return Json(new StoredDecisions(lines.Length, 0));
    }

    // Pages of two, so that there are several.
    private IResult ReadDecisions(int after, int limit)
    {
        var page = Decisions.Skip(after).Take(limit).ToList();
        return Results.Text(
            $$"""{"records":[{{string.Join(',', page)}}],"next":"{{after + page.Count}}","more":{{(Decisions.Count > after + page.Count ? "true" : "false")}}}""", "application/json");
    }

    /// <summary>Takes decisions, whatever becomes of the answer.</summary>
    public Task TakeDecisionsAsync(HttpContext http) => StoreDecisionsAsync(http, http.Request.Query["batch"]!);

    /// <summary>Takes a report, whatever becomes of the answer.</summary>
    public Task TakeReportAsync(HttpContext http) => ReportAsync(http);

    private async Task<IResult> ReportAsync(HttpContext http)
    {
        var report = (await JsonSerializer.DeserializeAsync<NodeReport>(http.Request.Body, PolicyJson.Options))!;
        lock (_lock)
        {
            if (Reports.Any(r => r.BootId == report.BootId && r.Seq >= report.Seq))
            {
                return Problem(409, "report.stale");
            }

            Reports.Enqueue(report);
        }

        return Json(new { Current().Directive });
    }
}
