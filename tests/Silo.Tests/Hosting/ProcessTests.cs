using System.Net;
using System.Net.Sockets;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>The program itself, in a process of its own.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_it_is_told_wrongly_is_one_line_and_exit_code_2()
    {
        using var process = SiloProcess.Start("--urls", "nonsense");

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(2, process.ExitCode);
        Assert.Matches("^orleans-policy: config\\.urls: .*\n$", await process.StandardError.ReadToEndAsync());
        Assert.Empty(await process.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task An_address_that_is_taken_or_not_ours_is_one_line_and_exit_code_2()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();

        foreach (var (url, code) in new[] { ($"http://{taken.LocalEndpoint}", "config.address_in_use"), ("http://203.0.113.9:1", "config.urls") })
        {
            using var process = SiloProcess.Start("--urls", url, "--data", _folder["data"]);
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));

            Assert.Equal(2, process.ExitCode);

            // The last line: on a busy machine the engine may have warned of that before.
            Assert.Matches($"(^|\n)orleans-policy: {code}: [^\n]*\n$", await process.StandardError.ReadToEndAsync());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_database_that_is_away_is_exit_code_1_so_that_whoever_restarts_it_tries_again(bool migrateOnly)
    {
        // Bound and not listening: nobody answers there, and nobody else can come to.
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var away = $"Host=127.0.0.1;Port={((IPEndPoint)nobody.LocalEndPoint!).Port};Database=policy;Username=policy";
        using var process = SiloProcess.Start(["--urls", "http://127.0.0.1:0", "--data", _folder["data"], "--connection-string", away, .. migrateOnly ? ["--migrate-only"] : Array.Empty<string>()]);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));

        Assert.Matches("(^|\n)orleans-policy: postgres\\.unreachable: [^\n]*\n$", await errors);
        Assert.Equal((1, ""), (process.ExitCode, await output));
    }

    [Fact]
    public async Task It_says_where_everything_is_keeps_others_off_its_data_and_stops_when_told()
    {
        var data = _folder["data"];
        using var first = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data);
        var banner = await SiloProcess.ReadUntilReadyAsync(first);
        try
        {
            Assert.Contains(Path.Combine(data, "admin.key"), banner, StringComparison.Ordinal);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(data, "admin.key")));

            using var second = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data);
            await second.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal(2, second.ExitCode);
            Assert.StartsWith("orleans-policy: data.in_use: ", await second.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        }
        finally
        {
            SiloProcess.Signal(first, SiloProcess.SigTerm);
        }

        await first.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, first.ExitCode);
    }

    [Fact]
    public async Task A_second_start_keeps_the_key_and_the_data()
    {
        var data = _folder["data"];
        var key = "";
        for (var start = 1; start <= 2; start++)
        {
            using var process = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data, "--unsafe-time-scale", "3");
            var banner = await SiloProcess.ReadUntilReadyAsync(process);
            try
            {
                Assert.Contains("TIME SCALE", banner, StringComparison.Ordinal);
                var shown = (await File.ReadAllTextAsync(Path.Combine(data, "admin.key"))).Trim();
                Assert.True(start == 1 || shown == key);
                key = shown;
                using var admin = new ApiClient(new Uri(banner.Split('\n').Single(line => line.Contains("listening", StringComparison.Ordinal)).Split(' ')[^1]), key);
                (await admin.PutAsync("/v1/kept", new { })).Expect(start == 1 ? 201 : 200);
            }
            finally
            {
                SiloProcess.Signal(process, SiloProcess.SigTerm);
            }

            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
    }
}
