using System.Text;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Orleans' dashboard: there where it is switched on, for who may see everything.</summary>
[Collection(OneControlPlane.Name)]
public sealed class DashboardTests(PostgresServer server, ControlPlane without)
{
    [Fact]
    public async Task It_is_for_admins_of_the_installation_and_a_browser_is_sent_to_sign_in_first()
    {
        if (ClusterSettingsReader.Engine != "Orleans")
        {
            Assert.Equal("dashboard.engine", Assert.Throws<ConfigurationFailureException>(() => SettingsReader.Read(CommandLine.Read(["--dashboard", "true"]))).Code);
            return;
        }

        using var folder = new TemporaryFolder();
        await using var host = await PolicyHost.StartAsync(new SiloSettings
        {
            Urls = "http://127.0.0.1:0",
            DataFolder = folder.Path,
            ConnectionString = await server.CreateDatabaseAsync(),
            Dashboard = true,
        });
        var address = new Uri(host.Addresses.Single());
        var key = (await File.ReadAllTextAsync(folder["admin.key"])).Trim();
        using var anybody = new ApiClient(address, key: null);
        using var admin = new ApiClient(address, key);
        var viewer = (await admin.PostAsync("/v1/default/keys", new { name = "v", subject = "v", role = "viewer" })).Expect(201)["key"].GetString()!;

        (await anybody.GetAsync("/dashboard/DashboardCounters")).ExpectProblem(401, "auth.missing");
        (await anybody.GetAsync("/dashboard/", ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + key))))).ExpectProblem(401, "auth.missing");
        (await admin.GetAsync("/dashboard/index.min.js")).Expect(200);

        using var browser = new Browser(address);
        Assert.Equal("/session?return=%2Fdashboard%2F%3Fa%3Db", (await browser.OpenAsync("/dashboard/?a=b")).Expect(302).Headers["Location"]);
        Assert.Equal("/dashboard/", (await browser.SignInAsync(key, "/dashboard/")).Expect(302).Headers["Location"]);
        Assert.Contains("<html", (await browser.OpenAsync("/dashboard/")).Expect(200).Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("href=\"/dashboard/\"", (await browser.OpenAsync("/session")).Expect(200).Text, StringComparison.Ordinal);

        using var another = new Browser(address);
        await another.SignInAsync(viewer);
        (await another.OpenAsync("/dashboard/DashboardCounters")).ExpectProblem(403, "auth.role");

        (await admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        await Eventually.BecomesAsync(async () => (await admin.GetAsync("/dashboard/DashboardCounters")).Expect(200).Text.Contains("OrleansPolicy.Grains.", StringComparison.Ordinal), true, seconds: 60);
    }

    [Fact]
    public async Task It_is_not_there_unless_switched_on() =>
        (await without.Admin.GetAsync("/dashboard/")).Expect(404);
}
