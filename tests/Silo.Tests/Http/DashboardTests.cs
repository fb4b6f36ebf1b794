using System.Text;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>Orleans' dashboard: there where it is switched on, for who may see everything.</summary>
[Collection(OneControlPlane.Name)]
public sealed class DashboardTests(PostgresServer server, ControlPlane without)
{
    [Fact]
    public async Task It_is_for_admins_of_the_installation_whom_the_browser_asks_for_their_key()
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

        var refused = (await anybody.GetAsync("/dashboard/")).ExpectProblem(401, "auth.missing");
        Assert.Equal(ShownInBrowser.Challenge, refused.Headers["WWW-Authenticate"]);
        (await anybody.GetAsync("/dashboard/", Browser("me", "wrong"))).ExpectProblem(401, "auth.invalid");
        (await anybody.GetAsync("/dashboard/DashboardCounters", Browser("me", viewer))).ExpectProblem(403, "auth.role");
        Assert.Contains("<html", (await anybody.GetAsync("/dashboard/", Browser("me", key))).Expect(200).Text, StringComparison.OrdinalIgnoreCase);
        (await admin.GetAsync("/dashboard/index.min.js")).Expect(200);

        // What changes something takes no browser's word.
        (await anybody.GetAsync("/v1/default/fleets", Browser("me", key))).ExpectProblem(401, "auth.missing");

        (await admin.PutAsync("/v1/default/fleets/edge", new { })).Expect(200);
        await Eventually.BecomesAsync(async () => (await admin.GetAsync("/dashboard/DashboardCounters")).Expect(200).Text.Contains("OrleansPolicy.Grains.", StringComparison.Ordinal), true, seconds: 60);
    }

    [Fact]
    public async Task It_is_not_there_unless_switched_on() =>
        (await without.Admin.GetAsync("/dashboard/")).Expect(404);

    [Theory]
    [InlineData("me:secret", "secret")]
    [InlineData(":secret", "secret")]
    [InlineData("a:b:c", "b:c")]
    [InlineData("secret", null)]
    [InlineData("me:", null)]
    public void The_password_is_the_key(string shown, string? key) =>
        Assert.Equal(key, ShownInBrowser.KeyOf("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(shown))));

    [Theory]
    [InlineData("Basic !")]
    [InlineData("Digest me")]
    [InlineData("Basic")]
    public void What_is_no_such_header_has_no_key(string header) => Assert.Null(ShownInBrowser.KeyOf(header));

    private static (string Name, string Value) Browser(string name, string password) =>
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));
}
