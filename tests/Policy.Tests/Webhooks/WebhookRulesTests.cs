using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Policy.Tests.Webhooks;

public sealed class WebhookRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    [Theory]
    [InlineData("https://example.com/hook?a=b")]
    [InlineData("https://[2606:4700::1]:8443/")]
    public void What_can_be_posted_to_is_an_address(string url) => Assert.Empty(WebhookRules.Check(url, null, null, allowsHttp: false));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("example.com")]
    [InlineData("/hook")]
    [InlineData("http://example.com/")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user:password@example.com/")]
    [InlineData("https://example.com/#part")]
    public void Whatever_else_is_none(string? url) =>
        Assert.Equal((WebhookRules.UrlCode, "$.url"), Assert.Single(WebhookRules.Check(url, null, null, allowsHttp: false)) is var problem ? (problem.Code, problem.Path) : default);

    [Fact]
    public void Plain_http_is_one_where_there_are_networks_that_it_may_go_to()
    {
        Assert.Empty(WebhookRules.Check("http://10.1.2.3/", null, null, allowsHttp: true));
        Assert.NotEmpty(WebhookRules.Check("ftp://10.1.2.3/", null, null, allowsHttp: true));
        Assert.NotEmpty(WebhookRules.Check("https://a/" + new string('a', 2_048), null, null, allowsHttp: true));
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        ImmutableArray<string>[] wrong = [["rollout.*", "no spaces"], ["*x"], [""], [null!], ["a**"], [.. Enumerable.Repeat("a", 33)]];

        Assert.All(wrong, events => Assert.Equal(WebhookRules.EventsCode, Assert.Single(WebhookRules.Check("https://a/", events, null, allowsHttp: false)).Code));
        Assert.Empty(WebhookRules.Check("https://a/", ["*", "RWG-00*", "arm.disarmed"], new string('d', 200), allowsHttp: false));
        Assert.Equal(
            [WebhookRules.UrlCode, WebhookRules.EventsCode, WebhookRules.DescriptionCode],
            WebhookRules.Check(null, ["*x"], new string('d', 201), allowsHttp: false).Select(problem => problem.Code));
    }

    [Theory]
    [InlineData("rollout.paused", "RWG-002", true)]
    [InlineData("rollout.started", null, false)]
    [InlineData("rollback.over", null, true)]
    [InlineData("arm.disarmed", null, true)]
    [InlineData("line.stopped", null, true)]
    [InlineData("bundle.published", null, false)]
    public void Without_a_word_it_is_sent_the_events(string action, string? code, bool wanted) => Assert.Equal(wanted, Hook([]).Wants(Draft(action, code)));

    [Theory]
    [InlineData("rollout.paused", "RWG-002", true, "rollout.*")]
    [InlineData("rollout.started", null, true, "rollout.*")]
    [InlineData("rollback.over", null, false, "rollout.*")]
    [InlineData("rollout.paused", "RWG-002", true, "RWG-002")]
    [InlineData("rollout.paused", "RWG-002", false, "RWG-003")]
    [InlineData("rollout.paused", "RWG-002", false, "rollout.pause")]
    [InlineData("bundle.published", null, true, "arm.*", "bundle.published")]
    [InlineData("bundle.published", null, true, "*")]
    [InlineData("bundle.published", null, false, "Bundle.*")]
    public void With_patterns_it_is_sent_what_fits_one(string action, string? code, bool wanted, params string[] events) =>
        Assert.Equal(wanted, Hook([.. events]).Wants(Draft(action, code)));

    [Fact]
    public void A_new_secret_signs_at_once_and_the_old_one_beside_it_for_a_day()
    {
        var webhook = WebhookRules.Rotate(Hook([]), "whsec_b", Now);

        Assert.Equal(["whsec_b", "whsec_a"], webhook.KeysAt(Now.AddHours(23)));
        Assert.Equal(["whsec_b"], webhook.KeysAt(Now.AddHours(24)));
        webhook = WebhookRules.Rotate(webhook, "whsec_c", Now.AddHours(23));
        Assert.Equal(["whsec_c", "whsec_b"], webhook.KeysAt(Now.AddHours(24)));
        Assert.Equal(["whsec_d", "whsec_c", "whsec_b"], WebhookRules.Rotate(webhook, "whsec_d", Now.AddHours(24)).Secrets.Select(secret => secret.Key));
    }

    [Fact]
    public void Old_secrets_do_not_pile_up()
    {
        var webhook = Enumerable.Range(0, 9).Aggregate(Hook([]), (known, index) => WebhookRules.Rotate(known, $"whsec_{index}", Now));

        Assert.Equal(["whsec_8", "whsec_7", "whsec_6", "whsec_5"], webhook.KeysAt(Now));
    }

    [Fact]
    public void Removed_it_has_no_secret()
    {
        var removed = WebhookRules.Remove(Hook([]), Now);

        Assert.Equal(Now, removed.RemovedAt);
        Assert.Empty(removed.KeysAt(Now));
    }

    [Fact]
    public void Of_its_address_the_host_may_be_told() => Assert.Equal("chat.example.com:8443", (Hook([]) with { Url = "https://chat.example.com:8443/secret/path" }).Host);

    private static Webhook Hook(ImmutableArray<string> events) => new()
    {
        WebhookId = "w",
        Url = "https://example.com/",
        Events = events,
        Secrets = [new WebhookSecret("whsec_a")],
        After = 0,
        CreatedBy = new Actor("alice", "http"),
        CreatedAt = Now,
    };

    private static AuditDraft Draft(string action, string? code) => new() { At = Now, Actor = "a", Action = action, Subject = "s", Code = code };
}
