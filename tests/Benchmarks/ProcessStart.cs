using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansPolicy.Benchmarks;

/// <summary>From the start of the process to the first 200 of /readyz, alternating an empty data folder with an existing one.</summary>
internal static class ProcessStart
{
    private const int Rounds = 7;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Report report)
    {
        var empty = new List<double>();
        var existing = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var data = Directory.CreateTempSubdirectory("policy-start-").FullName;

            // So that PostgreSQL's own user can enter it where this runs as root.
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(data, File.GetUnixFileMode(data) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            }

            try
            {
                empty.Add(await MillisecondsToReadyAsync(data));
                existing.Add(await MillisecondsToReadyAsync(data));
            }
            finally
            {
                Directory.Delete(data, recursive: true);
            }
        }

        report.Row(new Samples("start to ready, empty data folder", "ms", empty), "initdb, schema, admin key");
        report.Row(new Samples("start to ready, existing data folder", "ms", existing));
    }

    private static async Task<double> MillisecondsToReadyAsync(string data)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}");
        using var http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromSeconds(5) };
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "orleans-policy.dll"), "--urls", address, "--data", data])
        {
            RedirectStandardOutput = true,
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        try
        {
            while (!await IsReadyAsync(http))
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
                {
                    throw new InvalidOperationException("The control plane did not get ready.");
                }

                await Task.Delay(10);
            }

            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        finally
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            await process.WaitForExitAsync();
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/readyz", UriKind.Relative));
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
