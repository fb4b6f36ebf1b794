using System.Globalization;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Who changed what, when, why and through which interface.</summary>
[Collection(OneControlPlane.Name)]
public sealed class HistoryTests(ControlPlane plane)
{
    [Fact]
    public async Task Entries_are_found_by_subject_actor_and_time_newest_first()
    {
        var tenant = await plane.NewTenantAsync();
        var ada = await tenant.WithRoleAsync("operator", subject: "ada");
        (await ada.PutAsync("/fleets/edge", new { })).Expect(200);
        (await ada.PutAsync("/fleets/edge2", new { })).Expect(200);
        (await tenant.Admin.PutAsync("/fleets/edge", new { report_interval_sec = 4 })).Expect(200);
        (await tenant.Admin.PutAsync("/fleets/edge/nodes/n1", new { })).Expect(200);

        Assert.Equal(["fleet.configured", "fleet.created"], await ActionsAsync(tenant, "subject=fleets/edge", "fleet."));
        Assert.Contains("fleets/edge/nodes/n1", await SubjectsAsync(tenant, "subject=fleets/edge/nodes"));
        Assert.Equal(["fleet.created", "fleet.created"], await ActionsAsync(tenant, "actor=ada"));
        Assert.Equal(["fleets/edge2"], await SubjectsAsync(tenant, "actor=ada&limit=1"));
        var all = (await tenant.Admin.GetAsync("/audit?newest=true&limit=1000")).Expect(200)["entries"].EnumerateArray().ToList();
        Assert.Equal(all.Select(entry => entry.GetProperty("seq").GetInt64()).OrderDescending(), all.Select(entry => entry.GetProperty("seq").GetInt64()));
        var middle = all[2];
        var at = Uri.EscapeDataString(middle.GetProperty("at").GetDateTimeOffset().ToString("O", CultureInfo.InvariantCulture));
        Assert.Equal(all.Take(3).Select(Seq), (await tenant.Admin.GetAsync("/audit?since=" + at)).Expect(200)["entries"].EnumerateArray().Select(Seq));
        Assert.Equal(all.Skip(3).Select(Seq), (await tenant.Admin.GetAsync("/audit?until=" + at)).Expect(200)["entries"].EnumerateArray().Select(Seq));
        Assert.Equal(all.Skip(3).Select(Seq), (await tenant.Admin.GetAsync($"/audit?before={Seq(middle)}")).Expect(200)["entries"].EnumerateArray().Select(Seq));
        Assert.All(all, entry => Assert.Equal("http", entry.GetProperty("interface").GetString()));
    }

    [Theory]
    [InlineData("policyctl/0.1.0", "cli")]
    [InlineData("policyctl-runbook/0.1.0", "runbook")]
    [InlineData("orleans-policy-nats", "nats")]
    [InlineData("curl/8.14.1", "http")]
    [InlineData("root", "http")]
    [InlineData("cli", "http")]
    [InlineData("", "http")]
    public async Task What_a_caller_came_through_is_what_it_says_if_that_is_known(string userAgent, string expected)
    {
        var tenant = await plane.NewTenantAsync();

        (await tenant.Admin.PutAsync("/fleets/edge", new { }, ("User-Agent", userAgent))).Expect(200);

        var entry = Assert.Single((await tenant.Admin.GetAsync("/audit?newest=true&subject=fleets/edge")).Expect(200)["entries"].EnumerateArray());
        Assert.Equal(expected, entry.GetProperty("interface").GetString());
    }

    [Theory]
    [InlineData("after=1&newest=true", 400)]
    [InlineData("since=yesterday", 400)]
    [InlineData("newest=true&limit=0", 400)]
    [InlineData("actor=nobody", 200)]
    [InlineData("subject=%25", 200)]
    public async Task A_filter_that_is_none_is_refused_and_one_that_fits_nothing_finds_nothing(string query, int status)
    {
        var answer = (await plane.Admin.GetAsync("/v1/default/audit?" + query)).Expect(status);

        Assert.True(status != 200 || answer["entries"].GetArrayLength() == 0);
    }

    private static long Seq(System.Text.Json.JsonElement entry) => entry.GetProperty("seq").GetInt64();

    private static async Task<IEnumerable<string>> ActionsAsync(TestTenant tenant, string query, string prefix = "") =>
        (await tenant.Admin.GetAsync("/audit?" + query)).Expect(200)["entries"].EnumerateArray().Select(entry => entry.GetProperty("action").GetString()!)
            .Where(action => action.StartsWith(prefix, StringComparison.Ordinal));

    private static async Task<IEnumerable<string>> SubjectsAsync(TestTenant tenant, string query) =>
        (await tenant.Admin.GetAsync("/audit?" + query)).Expect(200)["entries"].EnumerateArray().Select(entry => entry.GetProperty("subject").GetString()!);
}
