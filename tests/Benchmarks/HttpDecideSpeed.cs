using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// Decisions over HTTP, 16 connections, logs off: ours with its key check and the whole gateway example, Cerbos with the two rules
/// that the request needs, and an endpoint of ASP.NET Core that does nothing, in turn.
/// </summary>
internal static class HttpDecideSpeed
{
    private const int Rounds = 7;

    // Rounds for the compilers, which are still at work on ours after the first.
    private const int WarmUp = 3;
    private const int Seconds = 4;

    public static async Task RunAsync(Report report)
    {
        await using var installation = await Installation.StartAsync();
        await installation.AddFleetAsync("default", nodes: 0);
        var decide = new Uri(installation.ControlPlane.Address, "/v1/default/decide");
        var script = WriteScript(installation.ControlPlane.AdminKey);
        using var empty = Peers.Start("dotnet", typeof(HttpDecideSpeed).Assembly.Location, "empty-endpoint");
        var emptyUrl = new Uri(new Uri((await empty.StandardOutput.ReadLineAsync())!), "/decide");
        var port = FreePort();
        using var cerbos = Peers.StartQuietly(
            Peers.Cerbos, "server", "--log-level=error", $"--set=server.httpListenAddr=127.0.0.1:{port}", $"--set=server.grpcListenAddr=127.0.0.1:{FreePort()}",
            "--set=storage.driver=disk", $"--set=storage.disk.directory={Path.Combine(Peers.Folder, "cerbos")}", "--set=telemetry.disabled=true");
        try
        {
            var cerbosUrl = new Uri($"http://127.0.0.1:{port}/api/check/resources");
            await UntilAnsweredAsync(cerbosUrl);
            Measure(report, script, decide, emptyUrl, cerbosUrl);
        }
        finally
        {
            cerbos.Kill();
            empty.Kill();
            File.Delete(script);
        }
    }

    private static void Measure(Report report, string script, Uri decide, Uri emptyUrl, Uri cerbosUrl)
    {
        var (ours, cerbos, empty) = (new Side("ours"), new Side("Cerbos"), new Side("empty ASP.NET Core endpoint"));
        for (var round = -WarmUp; round < Rounds; round++)
        {
            ours.Add(Wrk.Run(script, decide, Seconds), round);
            cerbos.Add(Wrk.Run(Path.Combine(Peers.Folder, "cerbos-request.lua"), cerbosUrl, Seconds), round);
            empty.Add(Wrk.Run(script, emptyUrl, Seconds), round);
        }

        report.Pair(ours.PerSecond, cerbos.PerSecond);
        report.Pair(ours.P99, cerbos.P99);
        report.Pair(ours.PerSecond, empty.PerSecond);
        report.Pair(ours.P99, empty.P99);
    }

    private static string WriteScript(string key)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, $$$$"""
            wrk.method = "POST"
            wrk.headers["Content-Type"] = "application/json"
            wrk.headers["Authorization"] = "Bearer {{{{key}}}}"
            wrk.body = '{"capability_id":"orders.read","context":{"subject":{"id":"u-17","type":"user","tenant":"acme","status":"active","country":"DE"},"request":{"method":"GET","ip":"203.0.113.9","tls":1.3},"environment":"prod","resource":{"owner":"u-17","tenant":"acme"}}}'
            """);
        return path;
    }

    private static async Task UntilAnsweredAsync(Uri url)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30))
        {
            try
            {
                using var answer = await http.GetAsync(url);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(50);
            }
        }

        throw new InvalidOperationException("Cerbos did not start.");
    }

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    private sealed class Side(string name)
    {
        private readonly List<double> _perSecond = [];
        private readonly List<double> _p99 = [];

        public Samples PerSecond => new($"POST decide, 16 connections: {name}", "req/s", _perSecond);

        public Samples P99 => new($"the same, 99th percentile: {name}", "ms", _p99);

        public void Add((double PerSecond, double P99Ms) run, int round)
        {
            if (round >= 0)
            {
                _perSecond.Add(run.PerSecond);
                _p99.Add(run.P99Ms);
            }
        }
    }
}
