using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace OrleansPolicy.Silo.Tests.Nats;

/// <summary>A control plane that carries an arm out when the test says so, and keeps what it was told in order.</summary>
internal sealed class SlowPlane : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SlowPlane(WebApplication app) => _app = app;

    public ConcurrentQueue<string> Told { get; } = new();

    public TaskCompletionSource ArmMayEnd { get; } = new();

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<SlowPlane> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var plane = new SlowPlane(builder.Build());
        plane._app.MapGet("/v1/default/fleets/{**rest}", () => Results.Json(new { }));
        plane._app.MapGet("/v1/default/events", FollowAsync);
        plane._app.MapPost("/v1/default/fleets/edge/arm", async () =>
        {
            plane.Told.Enqueue("arm asked");
            await plane.ArmMayEnd.Task;
            plane.Told.Enqueue("arm");
            return Results.Json(new { armed = true, arm_epoch = 2 });
        });
        plane._app.MapPost("/v1/default/fleets/edge/disarm", () =>
        {
            plane.Told.Enqueue("disarm");
            return Results.Json(new { armed = false, arm_epoch = 1 });
        });
        await plane._app.StartAsync();
        return plane;
    }

    public ValueTask DisposeAsync()
    {
        ArmMayEnd.TrySetResult();
        return _app.DisposeAsync();
    }

    private static async Task FollowAsync(HttpContext http)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync(": beat\n\n");
        await http.Response.Body.FlushAsync();
        await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
