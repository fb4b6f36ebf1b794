using System.Diagnostics;
using System.Text.RegularExpressions;
using OrleansPolicy.Silo.Tests.Nats;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Prometheus;

/// <summary>A real Prometheus on a free port of loopback, which reads one target every second.</summary>
internal sealed partial class PrometheusServer : IDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private PrometheusServer(TemporaryFolder folder, Process process, int port) => (_folder, _process, Address) = (folder, process, new Uri($"http://127.0.0.1:{port}"));

    public Uri Address { get; }

    /// <summary>Starts one; the test is skipped where the program is not installed.</summary>
    public static async Task<PrometheusServer> StartAsync(Uri target)
    {
        var program = Programs.Find("prometheus");
        Assert.SkipWhen(program is null, "prometheus is not installed (Debian: apt-get install prometheus).");
        var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["prometheus.yml"], $$"""
            global: {scrape_interval: 1s, scrape_timeout: 1s}
            scrape_configs:
              - job_name: applications
                static_configs: [{targets: ["{{target.Authority}}"]}]
            """);
        var process = Process.Start(new ProcessStartInfo(
            program!, [$"--config.file={folder["prometheus.yml"]}", $"--storage.tsdb.path={folder["data"]}", "--web.listen-address=127.0.0.1:0"])
        {
            RedirectStandardError = true,
        })!;
        return new PrometheusServer(folder, process, await PortOfAsync(process));
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private static async Task<int> PortOfAsync(Process process)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var text = "";
        while (await process.StandardError.ReadLineAsync(deadline.Token) is { } line)
        {
            text += line + "\n";
            if (Listening().Match(line) is { Success: true } match)
            {
                // Whatever else it says must not fill the pipe.
                _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return int.Parse(match.Groups[1].Value, null);
            }
        }

        throw new InvalidOperationException("prometheus did not start: " + text);
    }

    [GeneratedRegex(@"msg=""Listening on"".*address=127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}
