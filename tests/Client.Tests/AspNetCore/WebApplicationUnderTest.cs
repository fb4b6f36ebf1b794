using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Client.AspNetCore;
using OrleansPolicy.Client.Tests.Nodes;

namespace OrleansPolicy.Client.Tests.AspNetCore;

/// <summary>A real web application on a free port, with a node of its own under a control plane that a test holds in its hands.</summary>
internal sealed class WebApplicationUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebApplicationUnderTest(WebApplication app, Uri address)
    {
        _app = app;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = address };
    }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public IPolicyNode Node => Services.GetRequiredService<IPolicyNode>();

    public static async Task<WebApplicationUnderTest> StartAsync(
        NodeUnderTest test, Action<WebApplication> map, Action<IServiceCollection>? services = null, Action<PolicyNodeSettings>? settings = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(o => o.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<TimeProvider>(test.Time);
        builder.Services.AddPolicyNode(node =>
        {
            node.Server = test.Plane.Address;
            node.ApiKey = "node-key";
            node.Fleet = FakeControlPlane.Fleet;
            node.Node = "web-1";
            node.Adjust = options => options with { TrustRoot = test.Bundles.Root, Backoff = test.Options.Backoff };
            settings?.Invoke(node);
        });
        services?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new WebApplicationUnderTest(app, new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()));
    }

    /// <summary>The same, once its node serves a bundle.</summary>
    public static async Task<WebApplicationUnderTest> ServingAsync(
        NodeUnderTest test, SignedBundle bundle, Action<WebApplication> map, Action<IServiceCollection>? services = null, Action<PolicyNodeSettings>? settings = null)
    {
        test.Plane.Demand(bundle);
        var web = await StartAsync(test, map, services, settings);
        await web.ServesAsync(bundle);
        return web;
    }

    public async Task ServesAsync(SignedBundle bundle) => await Eventually.Holds(() => Node.Status is { Refusal: null } status && status.PolicyHash == bundle.Hash);

    public async Task<(HttpStatusCode Status, JsonElement Body)> GetAsync(string path)
    {
        using var response = await Http.GetAsync(path);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return (response.StatusCode, bytes is [(byte)'{', ..] ? JsonElement.Parse(bytes) : default);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
