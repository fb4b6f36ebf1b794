using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using OrleansPolicy.Admission;
using OrleansPolicy.Client;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// <c>POST /reload</c> of the single-node service, which serves a file of 1,000 rules: from the request to the answer, with the audit entry
/// and the new epoch durable. Beside it what the answer says the reload itself took.
/// </summary>
internal static class ReloadOverHttp
{
    private const int WarmUps = 40;
    private const int Reloads = 100;
    private const int Rules = 1_000;

    public static async Task RunAsync(Report report)
    {
        using var bundles = new LargeBundles();
        var data = ControlPlane.NewDataFolder();
        var folder = Directory.CreateDirectory(Path.Combine(data, "bundles")).FullName;
        var trust = Path.Combine(folder, "trust.json");
        await File.WriteAllBytesAsync(trust, JsonSerializer.SerializeToUtf8Bytes(bundles.Root, PolicyJson.Options));
        string[] files = [Path.Combine(folder, "a.json"), Path.Combine(folder, "b.json"), Path.Combine(folder, "c.json")];
        await File.WriteAllBytesAsync(files[0], bundles.OfRules(Rules));
        await File.WriteAllBytesAsync(files[1], bundles.OfRules(Rules + 1));
        await File.WriteAllBytesAsync(files[2], bundles.OfOtherRules(Rules));
        var service = new ControlPlane(data, more: ["--bundle", files[0], "--trust-root", trust]);
        try
        {
            await service.StartAsync();
            using var admin = new PolicyClient(new PolicyClientOptions { Servers = [service.Address], ApiKey = service.AdminKey });
            await admin.ConfigureAdmissionAsync(new UpdateLimits(60_000, 0));
            using var http = new HttpClient { BaseAddress = service.Address };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", service.AdminKey);
            await MeasureAsync(http, files[..2], WarmUps);
            Show(report, "one rule more or less", await MeasureAsync(http, files[..2], Reloads));
            Show(report, "all rules other ones", await MeasureAsync(http, [files[0], files[2]], Reloads));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    private static async Task<(List<double> Whole, List<double> Itself)> MeasureAsync(HttpClient http, string[] files, int reloads)
    {
        var (whole, itself) = (new List<double>(), new List<double>());
        for (var i = 1; i <= reloads; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var answer = await http.PostAsJsonAsync("/reload", new { bundle_path = files[i % 2] });
            whole.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            var said = await answer.Content.ReadFromJsonAsync<JsonElement>();
            if (!answer.IsSuccessStatusCode)
            {
                throw new InvalidOperationException($"/reload answers {(int)answer.StatusCode}: {said}");
            }

            itself.Add(said.GetProperty("duration_ms").GetDouble());
        }

        return (whole, itself);
    }

    private static void Show(Report report, string change, (List<double> Whole, List<double> Itself) measured) => report.Pair(
        new Samples($"POST /reload of {Rules} rules, {change}", "ms", measured.Whole), new Samples("the reload itself, as the answer says", "ms", measured.Itself));
}
