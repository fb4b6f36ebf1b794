using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Hosting;

/// <summary>The admission limiter of a process that is killed.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class KilledLimiterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_admitted_before_a_kill_is_not_admitted_again_after_it()
    {
        var data = _folder["data"];
        var allowed = 0;
        for (var start = 1; start <= 2; start++)
        {
            using var process = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data);
            var banner = await SiloProcess.ReadUntilReadyAsync(process);
            using var admin = new ApiClient(
                new Uri(banner.Split('\n').Single(line => line.Contains("listening", StringComparison.Ordinal)).Split(' ')[^1]),
                (await File.ReadAllTextAsync(Path.Combine(data, "admin.key"), TestContext.Current.CancellationToken)).Trim());
            if (start == 1)
            {
                (await admin.PutAsync("/v1/default/admission/config", """
                    {"max_updates_per_minute":3,"min_interval_sec":0,"operator":{"max_updates_per_minute":0.01,"min_interval_sec":0}}
                    """)).Expect(200);
            }

            var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => admin.PostAsync("/v1/default/admission", new { })));

            allowed += answers.Count(answer => answer.Status == 200);
            Assert.Equal(1, allowed);
            Assert.Equal("operator/admin", answers.Last(answer => answer.Status == 429)["scope"].GetString());
            if (start == 1)
            {
                process.Kill();
            }
            else
            {
                SiloProcess.Signal(process, SiloProcess.SigTerm);
            }

            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
    }
}
