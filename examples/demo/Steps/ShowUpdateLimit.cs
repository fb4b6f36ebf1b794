using System.Diagnostics;
using System.Text.Json;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Publishes a second bundle right after the first: refused, told when to come back, and admitted then.</summary>
internal sealed class ShowUpdateLimit(string name, string example) : IDemoStep
{
    private const int NotNow = 6;

    public string Title => $"the update limit at work, on {name}";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var signed = world.InFolder(name.Replace(' ', '-') + ".signed.json");
        await world.Tool.RunAsync(
            world.KeyOf("ci"), cancellationToken, "bundle", "sign", world.Example(example), "--signing-key", "release.key.pem", "--out", signed);

        // Takes the admission that is there, if the steps before took so long that there is one.
        await world.Admin.TakeAdmissionAsync(Guid.NewGuid().ToString("N"), cancellationToken);
        var (exitCode, _, error) = await world.Tool.TryAsync(world.KeyOf("ci"), cancellationToken, "bundle", "push", signed);
        DemoFailureException.Unless(exitCode == NotNow, $"Expected a refusal (exit code {NotNow}), got {exitCode}: {error}");
        var refusal = JsonElement.Parse(error).GetProperty("error");
        var retryAfter = refusal.GetProperty("retry_after_sec").GetDouble();
        world.Note($"429 {refusal.GetProperty("code").GetString()}, Retry-After {retryAfter} s: waiting");
        var waited = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(retryAfter), cancellationToken);
        var published = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "push", signed);
        world.Hashes[name] = published.GetProperty("policy_hash").GetString()!;
        return $"429 with Retry-After {retryAfter} s; admitted after {Stopwatch.GetElapsedTime(waited).TotalSeconds:F1} s";
    }
}
