using System.Collections.Immutable;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Client;
using OrleansPolicy.Decisions;

// Orleans has one too.
using RequestContext = OrleansPolicy.Client.AspNetCore.RequestContext;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// A decision as an application asks its node for it, with a decision log in files and without one; and what a web application adds, the
/// context that it makes of a request.
/// </summary>
internal static class NodeSpeed
{
    public static async Task RunAsync(Report report)
    {
        var folder = Directory.CreateTempSubdirectory("policy-benchmark-").FullName;
        try
        {
            using var bundles = new LargeBundles();
            var file = Path.Combine(folder, "bundle.json");
            await File.WriteAllBytesAsync(file, bundles.OfRules(193));
            var options = new PolicyNodeOptions { BundleFile = file, BundleFilePoll = TimeSpan.FromMinutes(10), TrustRoot = bundles.Root };
            await using var silent = await PolicyNode.StartAsync(options);
            await using var logging = await PolicyNode.StartAsync(options with
            {
                Node = "logging",
                DecisionLog = new DecisionLogOptions { Folder = Path.Combine(folder, "log"), Loss = DecisionLogLoss.Drop },
            });
            Measure(report, silent, logging);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(Report report, PolicyNode silent, PolicyNode logging)
    {
        var requests = GatewayExample.Requests();
        var (with, without) = Alternation.NanosecondsPerOperation(
            "decision of a node that keeps a log", Asking(logging, requests), "without a log", Asking(silent, requests));
        report.Pair(with, without, $"{Bytes(Asking(logging, requests))} and {Bytes(Asking(silent, requests))} bytes allocated by the thread that asks, {logging.Status.DecisionLog}");

        var http = SomeRequest();
        var context = Repeat(() => _ = RequestContext.Of(http));
        var (made, decided) = Alternation.NanosecondsPerOperation(
            "context of a web request", context, "decision of a node over it", Repeat(() => silent.Decide("orders.read", default)));
        report.Pair(made, decided, $"{Bytes(context)} bytes allocated");
    }

    private static string Bytes(Action<int> run) => Alternation.BytesPerOperation(run).ToString("0", System.Globalization.CultureInfo.InvariantCulture);

    private static Action<int> Asking(PolicyNode node, ImmutableArray<DecisionRequest> requests) => operations =>
    {
        for (var i = 0; i < operations; i++)
        {
            var request = requests[i % requests.Length];
            node.Decide(request.CapabilityId, request.Context, request.Now);
        }
    };

    private static Action<int> Repeat(Action run) => operations =>
    {
        for (var i = 0; i < operations; i++)
        {
            run();
        }
    };

    private static DefaultHttpContext SomeRequest()
    {
        var http = new DefaultHttpContext
        {
            User = new ClaimsPrincipal(new ClaimsIdentity(
                [new("sub", "u-17"), new("name", "Ada"), new("tenant", "acme"), new("role", "clerk"), new("role", "auditor"), new("scope", "orders:read orders:write")],
                "Bearer", "name", "role")),
        };
        http.Request.Method = "GET";
        http.Request.Scheme = "https";
        http.Request.Host = new HostString("api.example.com");
        http.Request.Path = "/orders/4711";
        http.Request.RouteValues["id"] = "4711";
        http.Connection.RemoteIpAddress = new System.Net.IPAddress([203, 0, 113, 9]);
        return http;
    }
}
