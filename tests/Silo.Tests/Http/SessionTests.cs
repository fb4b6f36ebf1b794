using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Tests.Postgres;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>A person with a browser shows a key once and has a session; what other sites can make a browser do changes nothing.</summary>
[Collection(OneControlPlane.Name)]
public sealed class SessionTests(PostgresServer server, ControlPlane plane)
{
    private const string Place = "/v1/default/fleets";

    [Fact]
    public async Task The_page_has_a_form_no_script_and_nothing_from_elsewhere()
    {
        using var browser = new Browser(plane.Address);

        var page = (await browser.OpenAsync("/session")).Expect(200);

        Assert.Equal("text/html", page.ContentType);
        Assert.NotEmpty(Browser.TokenIn(page));
        Assert.StartsWith("default-src 'none';", page.Headers["Content-Security-Policy"], StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", page.Headers["Content-Security-Policy"], StringComparison.Ordinal);
        Assert.Equal("nosniff", page.Headers["X-Content-Type-Options"]);
        Assert.Equal("no-store", page.Headers["Cache-Control"]);
        Assert.DoesNotContain("<script", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("://", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_may_what_its_key_may()
    {
        var tenant = await plane.NewTenantAsync();
        var viewer = await tenant.WithRoleAsync("viewer", subject: "Grete <b>");
        using var browser = new Browser(plane.Address);

        var signedIn = await browser.SignInAsync(viewer.Api.Key!);

        Assert.Equal("/session", signedIn.Expect(302).Headers["Location"]);
        Assert.Contains("Grete &lt;b&gt;</strong>, viewer of tenant " + tenant.Name, (await browser.OpenAsync("/session")).Expect(200).Text, StringComparison.Ordinal);
        (await browser.OpenAsync($"/v1/{tenant.Name}/fleets")).Expect(200);
        (await browser.OpenAsync(Place)).ExpectProblem(403, "auth.tenant");
        (await browser.OpenAsync($"/v1/{tenant.Name}/keys")).ExpectProblem(403, "auth.role");
    }

    [Fact]
    public async Task The_cookie_is_for_no_script_no_other_site_and_for_TLS_where_there_is_any()
    {
        using var browser = new Browser(plane.Address);
        var token = await browser.TokenAsync();
        var form = () => new FormUrlEncodedContent([KeyValuePair.Create("csrf", token), KeyValuePair.Create("key", plane.Admin.Key!)]);

        var plain = (await browser.SendAsync(HttpMethod.Post, "/session", form())).Expect(302).Headers["Set-Cookie"];
        browser.Cookies.GetCookies(plane.Address)["orleans-policy-session"]!.Expired = true;
        var behindTls = (await browser.SendAsync(HttpMethod.Post, "/session", form(), ("X-Forwarded-Proto", "https"))).Expect(302).Headers["Set-Cookie"];

        Assert.Contains("; path=/; samesite=strict; httponly", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("secure", plain, StringComparison.Ordinal);
        Assert.DoesNotContain("expires", plain, StringComparison.Ordinal);
        Assert.DoesNotContain(plane.Admin.Key!, plain, StringComparison.Ordinal);
        Assert.Contains("; path=/; secure; samesite=strict; httponly", behindTls, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("opk_not-a-key")]
    [InlineData("")]
    [InlineData("a key that is longer than any: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task A_key_that_does_not_work_begins_none(string key)
    {
        using var browser = new Browser(plane.Address);

        var page = (await browser.SignInAsync(key, "/v1/tenants")).Expect(401);

        Assert.Contains("<code>auth.invalid</code>", page.Text, StringComparison.Ordinal);
        Assert.Null(browser.Session);

        // The page's own form does it then.
        Assert.Equal("/v1/tenants", (await browser.SubmitAsync("/session", ("csrf", Browser.TokenIn(page)), ("key", plane.Admin.Key!), ("return", "/v1/tenants"))).Expect(302).Headers["Location"]);
        Assert.NotNull(browser.Session);
    }

    [Fact]
    public async Task Another_site_can_sign_nobody_in()
    {
        using var browser = new Browser(plane.Address);
        using var attacker = new Browser(plane.Address);
        var theirs = await attacker.TokenAsync();

        Assert.Contains("auth.anti_forgery", (await browser.SubmitAsync("/session", ("key", plane.Admin.Key!))).Expect(401).Text, StringComparison.Ordinal);
        Assert.Contains("auth.anti_forgery", (await browser.SubmitAsync("/session", ("csrf", theirs), ("key", plane.Admin.Key!))).Expect(401).Text, StringComparison.Ordinal);
        Assert.Null(browser.Session);
    }

    [Fact]
    public async Task What_changes_something_needs_the_token_of_this_session()
    {
        var tenant = await plane.NewTenantAsync();
        var mine = (await tenant.WithRoleAsync("operator")).Api.Key!;
        using var browser = new Browser(plane.Address);
        using var another = new Browser(plane.Address);
        await browser.SignInAsync(mine);
        await another.SignInAsync(mine);
        var (token, theirs) = (await browser.TokenAsync(), await another.TokenAsync());

        (await PutAsync()).ExpectProblem(403, "auth.anti_forgery");
        (await PutAsync(("X-CSRF-Token", theirs))).ExpectProblem(403, "auth.anti_forgery");
        (await PutAsync(("X-CSRF-Token", "x"))).ExpectProblem(403, "auth.anti_forgery");
        (await browser.SubmitAsync($"/v1/{tenant.Name}/line/stop", ("reason", "of another site"))).Expect(415);
        (await browser.OpenAsync($"/v1/{tenant.Name}/fleets/edge")).ExpectProblem(404, "fleet.unknown");
        (await PutAsync(("X-CSRF-Token", token))).Expect(200);

        // Who shows a key needs no token, whatever cookies are sent with it.
        (await PutAsync(("Authorization", "Bearer " + mine))).Expect(200);

        Task<ApiAnswer> PutAsync(params (string Name, string Value)[] headers) =>
            browser.SendAsync(HttpMethod.Put, $"/v1/{tenant.Name}/fleets/edge", ApiClient.Json(new { }), headers);
    }

    [Theory]
    [InlineData("/dashboard/?a=b#c", "/dashboard/?a=b#c")]
    [InlineData("https://elsewhere.example/", "/session")]
    [InlineData("//elsewhere.example/", "/session")]
    [InlineData("/\\elsewhere.example/", "/session")]
    [InlineData("~//elsewhere.example", "/session")]
    [InlineData("/a\r\nLocation: //elsewhere.example", "/session")]
    [InlineData("javascript:alert(1)", "/session")]
    public async Task After_signing_in_it_goes_to_no_other_site(string asked, string shown)
    {
        using var browser = new Browser(plane.Address);

        Assert.Equal(shown, (await browser.SignInAsync(plane.Admin.Key!, asked)).Expect(302).Headers["Location"]);

        using var stranger = new Browser(plane.Address);
        Assert.Equal(shown != "/session", (await stranger.OpenAsync("/session?return=" + Uri.EscapeDataString(asked))).Expect(200).Text.Contains("<a href=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_ends_with_its_key()
    {
        var tenant = await plane.NewTenantAsync();
        var viewer = await tenant.WithRoleAsync("viewer");
        using var browser = new Browser(plane.Address);
        await browser.SignInAsync(viewer.Api.Key!);
        (await browser.OpenAsync($"/v1/{tenant.Name}/fleets")).Expect(200);

        (await tenant.Admin.DeleteAsync("/keys/" + viewer.KeyId)).Expect(200);

        await Eventually.BecomesAsync(async () => (await browser.OpenAsync($"/v1/{tenant.Name}/fleets")).Status, 401);
        Assert.Null(browser.Session);
        Assert.Contains("Sign in", (await browser.OpenAsync("/session")).Expect(200).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signing_out_takes_the_cookie_and_is_nobody_elses_to_do()
    {
        using var browser = new Browser(plane.Address);
        await browser.SignInAsync(plane.Admin.Key!);

        (await browser.SubmitAsync("/session/end")).ExpectProblem(403, "auth.anti_forgery");
        Assert.NotNull(browser.Session);
        Assert.Equal("/session", (await browser.SubmitAsync("/session/end", ("csrf", await browser.TokenAsync()))).Expect(302).Headers["Location"]);

        Assert.Null(browser.Session);
        (await browser.OpenAsync(Place)).ExpectProblem(401, "auth.missing");
    }

    [Fact]
    public async Task A_cookie_that_is_too_old_or_was_made_by_somebody_else_is_none()
    {
        var protector = plane.Host.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector(BrowserSessions.Purpose).ToTimeLimitedDataProtector();
        var key = plane.Admin.Key!;
        using var anybody = plane.Anybody();

        (await WithAsync(protector.Protect(key, TimeSpan.FromHours(1)))).Expect(200);
        (await WithAsync(protector.Protect(key, DateTimeOffset.UtcNow.AddMinutes(-1)))).ExpectProblem(401, "auth.missing");
        (await WithAsync(key)).ExpectProblem(401, "auth.missing");
        (await WithAsync(new EphemeralDataProtectionProvider().CreateProtector(BrowserSessions.Purpose).ToTimeLimitedDataProtector().Protect(key, TimeSpan.FromHours(1))))
            .ExpectProblem(401, "auth.missing");

        Task<ApiAnswer> WithAsync(string cookie) => anybody.GetAsync(Place, ("Cookie", $"{BrowserSessions.CookieName}={cookie}"));
    }

    [Theory]
    [InlineData("application/json", "{}", 415, "request.media_type")]
    [InlineData("multipart/form-data", "x", 415, "request.media_type")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nhalf", 415, "request.media_type")]
    public async Task What_is_no_form_is_told_so(string type, string body, int status, string code)
    {
        using var browser = new Browser(plane.Address);
        var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        (await browser.SendAsync(HttpMethod.Post, "/session", content)).ExpectProblem(status, code);
    }

    [Fact]
    public async Task A_form_is_small()
    {
        using var browser = new Browser(plane.Address);

        (await browser.SubmitAsync("/session", ("csrf", await browser.TokenAsync()), ("key", new string('k', 20_000)))).ExpectProblem(413, "request.too_large");
    }

    [Fact]
    public async Task Who_tries_many_keys_waits_and_nobody_else_does()
    {
        using var many = new Browser(plane.Address);
        using var other = new Browser(plane.Address);
        var token = await many.TokenAsync();

        // One more is allowed each second, so however slow this is, most of them are too many.
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => many.SubmitAsync("/session", ("csrf", token), ("key", "opk_guess"))));

        Assert.Contains(answers, answer => answer.Status == 401);
        answers.First(answer => answer.Status != 401).ExpectProblem(429, "limit.requests");
        (await other.SignInAsync(plane.Admin.Key!)).Expect(302);
    }

    [Fact]
    public async Task A_session_is_every_silos_and_outlives_a_restart()
    {
        using var folder = new TemporaryFolder();
        var settings = new SiloSettings { Urls = "http://127.0.0.1:0", DataFolder = folder.Path, ConnectionString = await server.CreateDatabaseAsync() };
        string session;
        await using (var before = await PolicyHost.StartAsync(settings))
        {
            using var browser = new Browser(new Uri(before.Addresses.Single()));
            await browser.SignInAsync((await File.ReadAllTextAsync(folder["admin.key"])).Trim());
            session = browser.Session!;
        }

        await using var after = await PolicyHost.StartAsync(settings);
        using var anybody = new ApiClient(new Uri(after.Addresses.Single()), key: null);
        (await anybody.GetAsync(Place, ("Cookie", $"{BrowserSessions.CookieName}={session}"))).Expect(200);
    }

    [Fact]
    public async Task Silos_that_begin_at_once_use_one_key()
    {
        await using var database = new StoreDatabase(server);
        await database.InitializeAsync();
        Task<string>[] silos = [.. Enumerable.Range(0, 4).Select(silo => Task.Run(() => Protector(database).Protect($"by {silo}")))];
        var made = await Task.WhenAll(silos);

        Assert.Single(new PostgresSessionKeys(database.DataSource).GetAllElements());
        var another = Protector(database);
        Assert.Equal(["by 0", "by 1", "by 2", "by 3"], made.Select(another.Unprotect));
    }

    private static IDataProtector Protector(StoreDatabase database)
    {
        var services = new ServiceCollection();
        services.AddDataProtection().SetApplicationName("test").Services
            .Configure<Microsoft.AspNetCore.DataProtection.KeyManagement.KeyManagementOptions>(options => options.XmlRepository = new PostgresSessionKeys(database.DataSource));
        return services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>().CreateProtector("test");
    }
}
