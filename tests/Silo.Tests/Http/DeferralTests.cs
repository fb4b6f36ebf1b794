using System.Diagnostics;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary><c>Prefer: wait=SECONDS</c>: wait for the admission in a fair and bounded queue.</summary>
[Collection(OneControlPlane.Name)]
public sealed class DeferralTests(ControlPlane plane) : IDisposable
{
    private static readonly (string, string) WaitLong = ("Prefer", "respond-async, wait=30");
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task An_update_waits_for_its_turn_and_is_done_then()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 60_000, minIntervalSec: 12);
        await tenant.TrustAsync(_bundles);
        var started = Stopwatch.GetTimestamp();
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);

        var published = (await tenant.Admin.PostAsync("/bundles", _bundles.Make("1.0.0"), WaitLong)).Expect(201);

        Assert.Equal("wait=30", published.Headers["Preference-Applied"]);
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromSeconds(12));
        (await tenant.Admin.PostAsync("/bundles", _bundles.Make("2.0.0"))).ExpectProblem(429, "admission.refused");
    }

    [Fact]
    public async Task Where_the_turn_would_come_too_late_the_refusal_comes_at_once()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 60_000, minIntervalSec: 600);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);

        var refused = (await tenant.Admin.PostAsync("/admission", new { }, ("Prefer", "wait=5"))).ExpectProblem(429, "admission.refused");

        Assert.InRange(refused["time_until_next_sec"].GetDouble(), 500, 600);
        Assert.False(refused.Headers.ContainsKey("Preference-Applied"));

        // It kept no place: who asks next is told the same and not twice as much.
        Assert.InRange((await tenant.Admin.GetAsync("/admission"))["time_until_next_sec"].GetDouble(), 500, 600);
    }

    [Fact]
    public async Task Who_goes_away_leaves_the_queue()
    {
        var tenant = await plane.NewTenantAsync(updatesPerMinute: 60_000, minIntervalSec: 20);
        (await tenant.Admin.PostAsync("/admission", new { })).Expect(200);
        using var gone = new HttpClient();
        using var giveUp = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(plane.Address, $"/v1/{tenant.Name}/admission"));
        request.Headers.Add("Authorization", "Bearer " + plane.Admin.Key);
        request.Headers.Add("Prefer", "wait=60");
        var waiting = gone.SendAsync(request, giveUp.Token);
        await Eventually.BecomesAsync(async () => (await tenant.Admin.GetAsync("/admission"))["time_until_next_sec"].GetDouble() > 20, true);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Eventually.BecomesAsync(async () => (await tenant.Admin.GetAsync("/admission"))["time_until_next_sec"].GetDouble() <= 20, true);
    }
}
