using System.Diagnostics;
using OrleansPolicy.Client;

namespace OrleansPolicy.Demo.Steps;

/// <summary>Publishes a second bundle right after the first: refused, told when to come back, and admitted then.</summary>
internal sealed class ShowUpdateLimit(string name, string example) : IDemoStep
{
    public string Title => $"the update limit at work, on {name}";

    public async Task<string> RunAsync(DemoWorld world, CancellationToken cancellationToken)
    {
        var signed = world.InFolder(name.Replace(' ', '-') + ".signed.json");
        await world.Tool.RunAsync(
            world.KeyOf("ci"), cancellationToken, "bundle", "sign", world.Example(example), "--signing-key", "release.key.pem", "--out", signed);

        // Takes the admission that is there, if the steps before took so long that there is one; the push follows within milliseconds.
        using var ci = new PolicyClient(new PolicyClientOptions
        {
            Server = world.ControlPlane.Address,
            ApiKey = (await File.ReadAllTextAsync(world.KeyOf("ci"), cancellationToken)).Trim(),
        });
        var content = await File.ReadAllBytesAsync(signed, cancellationToken);
        await ci.TakeAdmissionAsync(Guid.NewGuid().ToString("N"), cancellationToken: cancellationToken);
        var retryAfter = await RefusedAsync(world, () => ci.PublishAsync(content, null, cancellationToken));
        var waited = Stopwatch.GetTimestamp();
        await Task.Delay(retryAfter, cancellationToken);
        var published = await world.Tool.RunAsync(world.KeyOf("ci"), cancellationToken, "bundle", "push", signed);
        world.Hashes[name] = published.GetProperty("policy_hash").GetString()!;
        return $"429 with Retry-After {retryAfter.TotalSeconds} s; admitted after {Stopwatch.GetElapsedTime(waited).TotalSeconds:F1} s";
    }

    private static async Task<TimeSpan> RefusedAsync(DemoWorld world, Func<Task> push)
    {
        try
        {
            await push();
        }
        catch (PolicyApiException e) when (e is { Status: 429, RetryAfter: { } retryAfter })
        {
            world.Note($"429 {e.Code}, Retry-After {retryAfter.TotalSeconds} s: waiting");
            return retryAfter;
        }

        throw new DemoFailureException("It was admitted, although another update was admitted just before.");
    }
}
