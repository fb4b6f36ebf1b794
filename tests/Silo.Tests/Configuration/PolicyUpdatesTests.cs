using System.Text;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Configuration;

/// <summary>The update limits as a YAML file.</summary>
public sealed class PolicyUpdatesTests(PostgresServer server) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_has_limits_for_all_and_for_single_tenants()
    {
        var updates = Read("""
            logging: {level: info}
            policy_updates:
              max_per_minute: 20
              min_interval_sec: 1.5
              fleet: {max_per_minute: 5}
              costs: {rollout.start: 2}
              tenants:
                acme: {max_per_minute: 0.5, min_interval_sec: 0}
            """).Value!;

        Assert.Equal((20, 1.5), (updates.Of("anyone")!.MaxUpdatesPerMinute, updates.Of("anyone")!.MinIntervalSec));
        Assert.Equal((5, 6), (updates.Of("anyone")!.Fleet!.MaxUpdatesPerMinute, updates.Of("anyone")!.Fleet!.MinIntervalSec));
        Assert.Equal(2, updates.Of("anyone")!.CostOf("rollout.start"));
        Assert.Equal(0.5, updates.Of("acme")!.MaxUpdatesPerMinute);
        Assert.Null(updates.Of("acme")!.Fleet);
        Assert.NotEqual(updates.Of("acme")!.FileHash, updates.Of("anyone")!.FileHash);
        Assert.Null(Read("policy_updates: {tenants: {acme: {max_per_minute: 1}}}").Value!.Of("other"));
    }

    [Theory]
    [InlineData("policy_updates: {max_per_minute: 0}", "admission.limit_invalid", "$.policy_updates.max_updates_per_minute")]
    [InlineData("policy_updates: {tenants: {acme: {min_interval_sec: -1}}}", "admission.limit_invalid", "$.policy_updates.tenants.acme.min_interval_sec")]
    [InlineData("policy_updates: {tenants: {No Name: {min_interval_sec: 1}}}", "name.invalid", "$.policy_updates.tenants.No Name")]
    [InlineData("policy_updates: {max_per_minutes: 5}", "config.policy_updates", "$.policy_updates.max_per_minutes")]
    [InlineData("policy_updates: {max_per_minute: fast}", "config.policy_updates", "$.policy_updates.max_per_minute")]
    [InlineData("policy_updates: {max_per_minute: 1e999}", "admission.limit_invalid|config.policy_updates", "$.policy_updates.max_updates_per_minute|$.policy_updates.max_per_minute")]
    [InlineData("policy_update: {max_per_minute: 5}", "config.policy_updates", "$")]
    [InlineData("policy_updates: {max_per_minute: .inf}", "yaml.number", "$")]
    [InlineData("[]", "config.policy_updates", "$")]
    public void A_file_that_is_wrong_says_where(string yaml, string codes, string paths)
    {
        var problem = Assert.Single(Read(yaml).Problems);

        Assert.Contains(problem.Code, codes.Split('|'));
        Assert.Contains(problem.Path, paths.Split('|'));
    }

    [Fact]
    public async Task The_file_is_put_in_force_at_the_start_and_when_it_changes_and_what_came_last_counts()
    {
        var file = _folder["updates.yaml"];
        await File.WriteAllTextAsync(file, "policy_updates: {max_per_minute: 21, min_interval_sec: 0}");
        var settings = new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = _folder["data"],
            ConnectionString = await server.CreateDatabaseAsync(),
            PolicyUpdatesFile = file,
        };
        Directory.CreateDirectory(settings.DataFolder);
        await using (var host = await PolicyHost.StartAsync(settings))
        {
            using var admin = Admin(host, settings);
            await BecomesAsync(admin, 21);
            (await admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 7, min_interval_sec = 0 })).Expect(200);

            // A file that is wrong changes nothing; the next one that is right does.
            await File.WriteAllTextAsync(file, "policy_updates: {max_per_minute: -22}");
            await Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken);
            await BecomesAsync(admin, 7);
            await File.WriteAllTextAsync(file, "policy_updates: {max_per_minute: 23, min_interval_sec: 0}");
            await BecomesAsync(admin, 23);
            (await admin.PutAsync("/v1/acme", new { })).Expect(201);
            await BecomesAsync(admin, 23, "acme");
            (await admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 9, min_interval_sec = 0 })).Expect(200);
        }

        await using var again = await PolicyHost.StartAsync(settings);
        using var known = Admin(again, settings);
        (await known.PutAsync("/v1/later", new { })).Expect(201);
        await BecomesAsync(known, 23, "later");
        await BecomesAsync(known, 9);
        var through = (await known.GetAsync("/v1/default/audit?subject=admission")).Expect(200)["entries"].EnumerateArray().Select(entry => entry.GetProperty("interface").GetString());
        Assert.Equal(["http", "file", "http", "file"], through);
    }

    private static ApiClient Admin(PolicyHost host, SiloSettings settings) =>
        new(new Uri(host.Addresses.Single()), File.ReadAllText(settings.AdminKeyFile).Trim());

    private static Task BecomesAsync(ApiClient admin, double perMinute, string tenant = "default") => Eventually.BecomesAsync(
        async () => (await admin.GetAsync($"/v1/{tenant}/admission/config")).Expect(200)["max_updates_per_minute"].GetDouble(), perMinute, seconds: 30);

    private static Outcome<PolicyUpdates> Read(string yaml) => PolicyUpdates.Read(Encoding.UTF8.GetBytes(yaml));
}
