using System.Globalization;

namespace OrleansPolicy.Silo.Tests.Http;

[Collection(OneControlPlane.Name)]
public sealed class WindowTests(ControlPlane plane) : IDisposable
{
    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task A_window_that_denies_holds_a_start_until_two_people_lift_it()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        var ada = await tenant.WithRoleAsync("operator", subject: "ada");

        var set = (await ada.PutAsync("/windows/now", Window("deny", -1, 47, "edge"))).Expect(200);

        Assert.Equal(("now", "deny", "edge", "UTC", "ada"), (set["name"].GetString(), set["kind"].GetString(), set["fleet"].GetString(), set["zone"].GetString(), set["set_by"].GetString()));
        Assert.Equal(1, set["next"].GetArrayLength());
        var refused = (await ada.PostAsync("/rollouts", Start("edge"))).ExpectProblem(409, "freeze.window");
        Assert.Contains("now (audit)", refused["detail"].GetString(), StringComparison.Ordinal);

        var waiver = (await ada.PostAsync("/waivers", new { fleet = "edge", rule = "freeze_window", reason = "urgent", expires_at = DateTimeOffset.UtcNow.AddDays(1) })).Expect(201)["waiver_id"].GetString();
        foreach (var person in new[] { "bob", "eve" })
        {
            (await ada.PostAsync("/rollouts", Start("edge"))).ExpectProblem(409, "freeze.window");
            (await (await tenant.WithRoleAsync("approver", subject: person)).PostAsync($"/waivers/{waiver}/approve", new { reason = "fine" })).Expect(200);
        }

        (await ada.PostAsync("/rollouts", Start("edge", waiver))).ExpectProblem(409, "waiver.not_in_force");
        Assert.Equal(waiver, (await ada.PostAsync("/rollouts", Start("edge"))).Expect(201)["freeze_waiver_id"].GetString());
    }

    [Fact]
    public async Task A_window_that_allows_holds_outside_it_and_nothing_once_it_is_taken_away()
    {
        var tenant = await plane.NewTenantAsync();
        await tenant.RunningFleetAsync("edge", _bundles);
        (await tenant.Admin.PutAsync("/windows/later", Window("allow", 24, 48))).Expect(200);
        Assert.Equal(["later"], (await tenant.Admin.GetAsync("/windows")).Expect(200)["windows"].EnumerateArray().Select(window => window.GetProperty("name").GetString()));

        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).ExpectProblem(409, "freeze.outside");
        (await tenant.Admin.DeleteAsync("/windows/later")).ExpectProblem(400, "reason.missing");
        (await tenant.Admin.DeleteAsync("/windows/later?reason=over")).Expect(200);
        (await tenant.Admin.DeleteAsync("/windows/later?reason=over")).ExpectProblem(404, "window.unknown");

        (await tenant.Admin.PostAsync("/rollouts", Start("edge"))).Expect(201);
        var history = (await tenant.Admin.GetAsync("/audit?subject=windows/later&newest=true")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal(["window.removed", "window.set"], history.Select(entry => entry.GetProperty("action").GetString()));
        Assert.Equal(("over", "allow"), (history[0].GetProperty("reason").GetString(), history[0].GetProperty("detail").GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task A_repeated_request_sets_and_takes_away_once()
    {
        var tenant = await plane.NewTenantAsync();
        var window = Window("deny", 24, 48);
        var first = (await tenant.Admin.PutAsync("/windows/w", window, ("Idempotency-Key", "set-1"))).Expect(200);
        var again = (await tenant.Admin.PutAsync("/windows/w", window, ("Idempotency-Key", "set-1"))).Expect(200);

        Assert.Equal(first["set_at"].GetString(), again["set_at"].GetString());
        Assert.Equal(1, (await tenant.Admin.GetAsync("/audit?subject=windows/w&newest=true")).Expect(200)["entries"].GetArrayLength());
    }

    [Fact]
    public async Task What_is_wrong_with_a_window_is_told_with_its_codes()
    {
        var tenant = await plane.NewTenantAsync();
        (await tenant.Admin.PutAsync("/windows/w", new { })).Expect(400);
        Assert.Equal(["window.kind", "window.time", "window.time", "reason.missing"], (await tenant.Admin.PutAsync("/windows/w", new { })).Expect(400).ErrorCodes);
        object With(string zone = "Europe/Berlin", string starts = "2026-12-18T18:00", string ends = "2027-01-04T08:00", string repeats = "never", string[]? days = null, string? fleet = null) =>
            new { kind = "deny", zone, starts, ends, repeats, days = days ?? [], fleet, reason = "r" };
        (await tenant.Admin.PutAsync("/windows/w", With("Mars/Base"))).ExpectProblem(400, "window.zone");
        (await tenant.Admin.PutAsync("/windows/w", With(starts: "2026-12-18T18:00Z"))).ExpectProblem(400, "window.time");
        (await tenant.Admin.PutAsync("/windows/w", With(ends: "2026-12-18T18:00"))).ExpectProblem(400, "window.empty");
        (await tenant.Admin.PutAsync("/windows/w", With(repeats: "weekly"))).ExpectProblem(400, "window.overlap");
        (await tenant.Admin.PutAsync("/windows/w", With(days: ["friday"]))).ExpectProblem(400, "window.days");
        (await tenant.Admin.PutAsync("/windows/w", With(fleet: "nowhere"))).ExpectProblem(404, "fleet.unknown");
        (await tenant.Admin.PutAsync("/windows/No-Name", With())).ExpectProblem(400, "name.invalid");
        Assert.Equal("2026-12-18T18:00", (await tenant.Admin.PutAsync("/windows/w", With(repeats: "yearly"))).Expect(200)["starts"].GetString());
    }

    // Hours from now, in UTC.
    private static object Window(string kind, int from, int to, string? fleet = null) => new
    {
        kind,
        fleet,
        zone = "UTC",
        starts = DateTime.UtcNow.AddHours(from).ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture),
        ends = DateTime.UtcNow.AddHours(to).ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture),
        reason = "audit",
    };

    private static object Start(string fleet, string? waiver = null) =>
        new { fleet, @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "better", waiver_id = waiver };
}
