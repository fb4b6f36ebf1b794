using System.Collections.Concurrent;
using System.Diagnostics;
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
            using var admin = await AdminAsync(process, data);
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

    [Fact]
    public async Task A_kill_among_many_admissions_loses_none_that_was_answered_and_admits_no_more_than_the_limit()
    {
        const int Limit = 200;
        const string Admission = "/v1/default/admission";
        var data = _folder["data"];
        var answered = new ConcurrentDictionary<string, string>();
        var open = new ConcurrentDictionary<string, bool>();
        var since = Stopwatch.StartNew();
        using (var process = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data))
        {
            using var admin = await AdminAsync(process, data);
            (await admin.PutAsync(Admission + "/config", new { max_updates_per_minute = Limit, min_interval_sec = 0 })).Expect(200);
            await Task.WhenAll(Enumerable.Range(0, 12).Select(async worker =>
            {
                try
                {
                    for (var n = 0; ; n++)
                    {
                        var id = $"{worker}-{n}";
                        open[id] = true;
                        var answer = await admin.PostAsync(Admission, new { operation_id = id });
                        open.TryRemove(id, out _);
                        if (answer.Status == 200)
                        {
                            answered[id] = answer.Text;
                        }
                        else
                        {
                            // The bucket fills slowly: what is refused need not be asked for all the time.
                            await Task.Delay(20);
                        }

                        if (answered.Count >= 40)
                        {
                            process.Kill();
                        }
                    }
                }
                catch (HttpRequestException)
                {
                    // Killed: whether the last one was admitted is unknown.
                }
            }));
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }

        using var again = SiloProcess.Start("--urls", "http://127.0.0.1:0", "--data", data);
        using var known = await AdminAsync(again, data);
        foreach (var (id, text) in answered)
        {
            Assert.Equal(text, (await known.PostAsync(Admission, new { operation_id = id })).Expect(200).Text);
        }

        await Task.WhenAll(open.Keys.Concat(Enumerable.Range(0, Limit).Select(n => $"rest-{n}")).Select(id => known.PostAsync(Admission, new { operation_id = id })));
        var taken = await CountTakenAsync(known);
        Assert.InRange(taken, answered.Count, Limit + 1 + (Limit * since.Elapsed.TotalMinutes));
        Assert.True((await known.GetAsync("/v1/default/audit/verify")).Expect(200)["valid"].GetBoolean());
        SiloProcess.Signal(again, SiloProcess.SigTerm);
        await again.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    private static async Task<int> CountTakenAsync(ApiClient api)
    {
        var entries = (await api.GetAsync("/v1/default/audit?limit=1000")).Expect(200)["entries"].EnumerateArray();
        return entries.Count(entry => entry.GetProperty("action").GetString() == "admission.taken");
    }

    private static async Task<ApiClient> AdminAsync(Process process, string data)
    {
        var banner = await SiloProcess.ReadUntilReadyAsync(process);
        return new ApiClient(
            new Uri(banner.Split('\n').Single(line => line.Contains("listening", StringComparison.Ordinal)).Split(' ')[^1]),
            (await File.ReadAllTextAsync(Path.Combine(data, "admin.key"), TestContext.Current.CancellationToken)).Trim());
    }
}
