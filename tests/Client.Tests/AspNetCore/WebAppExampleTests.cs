using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client.Tests.Nodes;
using OrleansPolicy.WebApp;

namespace OrleansPolicy.Client.Tests.AspNetCore;

/// <summary>The example as a whole, over HTTP, under the policies that lie beside it.</summary>
public sealed class WebAppExampleTests
{
    [Fact]
    public async Task The_example_pays_reads_and_refunds_as_its_policy_says_and_as_the_next_one_does()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (first, next) = (Sign(test, "policy.json"), Sign(test, "policy.v2.json"));
        test.Plane.Roots[1] = test.Bundles.Root;
        test.Plane.Demand(first);
        await using var app = await StartAsync(test);
        using var http = Client(app);
        var node = app.Services.GetRequiredService<IPolicyNode>();
        await Eventually.Holds(() => node.Status.Refusal is null);

        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(http, HttpMethod.Get, "/payments/1")).Status);
        var (status, paid) = await SendAsync(http, HttpMethod.Post, "/payments", "ann", new { value = 400, currency = "EUR", to = "bob" });
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("ann", paid.GetProperty("owner").GetString());
        (status, var denied) = await SendAsync(http, HttpMethod.Post, "/payments", "ann", new { value = 4000, currency = "EUR", to = "bob" });
        Assert.Equal((HttpStatusCode.Forbidden, "decision.needs_confirmation"), (status, denied.GetProperty("code").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Post, "/payments", "tom treasurer", new { value = 4000, currency = "EUR", to = "bob" })).Status);
        Assert.Equal("payments are in EUR, CHF or USD", await ReasonAsync(http, HttpMethod.Post, "/payments", "tom treasurer", new { value = 1, currency = "XTS", to = "bob" }));

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, "/payments/1", "ann")).Status);
        Assert.Equal("default-deny", await ReasonAsync(http, HttpMethod.Get, "/payments/1", "eve"));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, "/payments/1", "ada auditor")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(http, HttpMethod.Get, "/payments/99", "ann")).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Get, "/reports/daily", "ada auditor")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(http, HttpMethod.Get, "/reports/daily", "ann")).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(http, HttpMethod.Delete, "/payments/1", "tom treasurer")).Status);
        Assert.Equal("default-deny", await ReasonAsync(http, HttpMethod.Delete, "/payments/2", "tom treasurer"));

        test.Plane.Demand(next);
        await Eventually.Holds(() => node.Status.Version == "1.1.0");
        Assert.Equal("above one's own limit", await ReasonAsync(http, HttpMethod.Post, "/payments", "ann", new { value = 400, currency = "EUR", to = "bob" }));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);

        // The lease has run out, say: everything is refused, and health says so.
        test.Plane.Intercept = async context =>
        {
            await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(context);
            return true;
        };
        test.Time.Pass(TimeSpan.FromHours(1));
        (status, denied) = await SendAsync(http, HttpMethod.Get, "/payments/1", "ann");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "decide.stale"), (status, denied.GetProperty("code").GetString()));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health")).StatusCode);
    }

    private static async Task<WebApplication> StartAsync(NodeUnderTest test)
    {
        var app = PaymentsApi.Create(
        [
            "--urls", "http://127.0.0.1:0", "--PolicyNode:Server", test.Plane.Address.ToString(), "--PolicyNode:Fleet", FakeControlPlane.Fleet,
            "--PolicyNode:ApiKey", "node-key", "--PolicyNode:TrustOnFirstUse", "true", "--Logging:LogLevel:Default", "None", "--Logging:LogLevel:OrleansPolicy", "None",
            "--Logging:LogLevel:Microsoft.Hosting.Lifetime", "None",
        ], services => services.AddSingleton<TimeProvider>(test.Time));
        await app.StartAsync();
        return app;
    }

    private static HttpClient Client(WebApplication app) => new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()),
    };

    private static SignedBundle Sign(NodeUnderTest test, string file)
    {
        var signed = BundleSigner.Sign(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, file)), test.Bundles.KeyId, test.Bundles.Key);
        var bundle = BundleReader.Read(signed, BundleReadOptions.Default).Value!;
        return test.Plane.Store(new SignedBundle(bundle.PolicyHash, bundle.Metadata.Version!, signed));
    }

    private static async Task<string?> ReasonAsync(HttpClient http, HttpMethod method, string path, string user, object? body = null)
    {
        var (status, problem) = await SendAsync(http, method, path, user, body);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        return problem.GetProperty("detail").GetString();
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpClient http, HttpMethod method, string path, string? user = null, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (user is not null)
        {
            request.Headers.Add("X-User", user);
        }

        using var response = await http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        return (response.StatusCode, bytes is [(byte)'{', ..] ? JsonElement.Parse(bytes) : default);
    }
}
