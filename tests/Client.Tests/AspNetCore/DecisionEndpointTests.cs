using System.Net;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Client.AspNetCore;
using OrleansPolicy.Client.Tests.Nodes;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.AspNetCore;

public sealed class DecisionEndpointTests
{
    private const string ContextRules = """
        {"id":"own-orders","effect":"allow","reason":"one's own","match":{"capability":"orders.read","path":"context.route.owner","eq":{"path":"context.subject.id"}}},
        {"id":"small","effect":"allow","reason":"small","match":{"capability":"payments.create","path":"context.amount","lte":100}},
        {"id":"large","effect":"require_confirmation","reason":"large","suggested_alternative":"Pay in parts.","match":{"capability":"payments.create"}},
        {"id":"signed-in","effect":"allow","reason":"signed in","match":{"capability":"profile.read","path":"context.subject.authenticated","eq":true}},
        {"id":"auditors","effect":"allow","reason":"an auditor","match":{"capability":"books.read","all":[
          {"path":"context.subject.roles","contains":"auditor"},{"path":"context.subject.scopes","contains":"books"},
          {"path":"context.request.method","eq":"GET"},{"path":"context.request.ip","cidr":"127.0.0.0/8"}]} }
        """;

    [Fact]
    public async Task A_filter_lets_through_what_the_policy_allows_and_answers_403_with_the_reason()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make("1.0.0", ContextRules));
        await using var web = await WebApplicationUnderTest.ServingAsync(test, bundle, app =>
        {
            app.MapGet("/pay/{amount:int}", (int amount) => amount)
                .RequireDecision("payments.create", call => new { Amount = call.GetArgument<int>(0) });
            app.MapGet("/nothing", () => "never").RequireDecision("nobody.knows");
        });

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/pay/100")).Status);

        var (status, problem) = await web.GetAsync("/pay/101");
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("decision.needs_confirmation", problem.GetProperty("code").GetString());
        Assert.Equal("large", problem.GetProperty("detail").GetString());
        Assert.Equal("Pay in parts.", problem.GetProperty("suggested_alternative").GetString());
        Assert.Equal("1.0.0", problem.GetProperty("policy_version").GetString());
        Assert.False(problem.TryGetProperty("rule_id", out _));

        (status, problem) = await web.GetAsync("/nothing");
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("decision.denied", problem.GetProperty("code").GetString());
        Assert.Equal("default-deny", problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task The_usual_context_tells_who_asks_for_what_and_from_where()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make("1.0.0", ContextRules));
        await using var web = await WebApplicationUnderTest.ServingAsync(test, bundle, app =>
        {
            app.Use((http, next) =>
            {
                http.User = new ClaimsPrincipal(new ClaimsIdentity(
                    [new("sub", "ann"), new(ClaimTypes.Role, "auditor"), new("scope", "mail books")], "test"));
                return next(http);
            });
            app.MapGet("/orders/{owner}", (string owner) => owner).RequireDecision("orders.read");
            app.MapGet("/books", () => "books").RequireDecision("books.read");
        });

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/orders/ann")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await web.GetAsync("/orders/bob")).Status);
        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/books")).Status);
    }

    [Fact]
    public async Task An_application_may_say_for_itself_what_a_decision_is_told()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make("1.0.0", ContextRules));
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test,
            bundle,
            app => app.MapGet("/profile", () => "me").RequireDecision("profile.read"),
            settings: node => node.Context = http => JsonElement.Parse(
                Encoding.UTF8.GetBytes($$"""{"subject":{"authenticated":{{(http.Request.Query["trusted"] == "yes" ? "true" : "false")}} } }""")));

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/profile?trusted=yes")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await web.GetAsync("/profile?trusted=no")).Status);
    }

    [Fact]
    public async Task Facts_take_the_place_of_members_of_their_name_and_no_other()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make("1.0.0", ContextRules));
        var contexts = new Dictionary<string, Func<DecisionContext>>
        {
            ["replaced"] = () => DecisionContext.Parse("""{"\u0061mount":1000,"route":{"owner":"ann"},"subject":{"id":"ann"}}"""u8),
            ["strange"] = () => JsonElement.Parse("[]"u8),
            ["gone"] = Gone,
            ["null"] = () => DecisionContext.Parse("null"u8),
            ["none"] = () => DecisionContext.Empty,
        };
        object facts = new { Amount = 1 };
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test,
            bundle,
            app =>
            {
                app.MapGet("/pay/{context}", () => "paid").RequireDecision("payments.create", _ => facts);
                app.MapGet("/read/{context}", () => "read").RequireDecision("orders.read", _ => facts);
            },
            settings: node => node.Context = http => contexts[(string)http.Request.RouteValues["context"]!]());

        foreach (var form in new object[] { facts, JsonElement.Parse("""{"amount":1}"""), DecisionContext.Parse("""{"amount":1}"""u8) })
        {
            facts = form;
            Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/pay/replaced")).Status);
            Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/read/replaced")).Status);
            Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/pay/null")).Status);
            Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/pay/none")).Status);

            // The facts alone would do.
            foreach (var context in new[] { "strange", "gone" })
            {
                var (status, problem) = await web.GetAsync("/pay/" + context);
                Assert.Equal(HttpStatusCode.Forbidden, status);
                Assert.StartsWith("evaluation-error: context", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            }
        }

        static DecisionContext Gone()
        {
            // Made of it only after it was disposed.
            return Disposed();

            static JsonElement Disposed()
            {
                using var document = JsonDocument.Parse("{}");
                return document.RootElement;
            }
        }
    }

    [Fact]
    public async Task A_node_that_must_not_serve_is_503_with_its_code()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.StartAsync(test, app =>
        {
            app.UseAuthorization();
            app.MapGet("/filtered", () => "read").RequireDecision("read");
            app.MapGet("/authorized", () => "read").RequirePolicyDecision("read");
        }, services => services.AddAuthorization());

        foreach (var path in new[] { "/filtered", "/authorized" })
        {
            using var response = await web.Http.GetAsync(path);
            var problem = JsonElement.Parse(await response.Content.ReadAsByteArrayAsync());
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal("decide.no_policy", problem.GetProperty("code").GetString());
            Assert.False(problem.GetProperty("allowed").GetBoolean());
            Assert.NotNull(response.Headers.RetryAfter);
        }
    }

    [Fact]
    public async Task Authorization_asks_the_policy_by_attribute_by_endpoint_and_by_name()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test,
            test.Publish("1.0.0"),
            app =>
            {
                app.UseAuthorization();
                app.MapGet("/read", [RequirePolicyDecision("read")] () => "read");
                app.MapGet("/write", () => "write").RequirePolicyDecision("write");
                app.MapGet("/named", [Authorize("writers")] () => "write");
            },
            services => services.AddAuthorization(options => options.AddPolicy("writers", policy => policy.RequirePolicyDecision("write"))));

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/read")).Status);
        foreach (var path in new[] { "/write", "/named" })
        {
            var (status, problem) = await web.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, status);
            Assert.Equal("write", problem.GetProperty("capability_id").GetString());
        }

        var next = test.Publish("2.0.0");
        test.Plane.Demand(next);
        await web.ServesAsync(next);
        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/write")).Status);
        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/named")).Status);
    }

    [Fact]
    public async Task Authorization_asks_the_policy_also_where_the_application_does_not_speak_of_authorization()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.ServingAsync(test, test.Publish("1.0.0"), app =>
        {
            app.MapGet("/read", [RequirePolicyDecision("read")] () => "read");
            app.MapGet("/attribute", [RequirePolicyDecision("write")] () => "write");
            app.MapGet("/endpoint", () => "write").RequirePolicyDecision("write");
        });

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/read")).Status);
        foreach (var path in new[] { "/attribute", "/endpoint" })
        {
            var (status, problem) = await web.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, status);
            Assert.Equal("decision.denied", problem.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task An_endpoint_that_demands_a_decision_answers_nothing_where_authorization_has_not_run()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.ServingAsync(test, test.Publish("1.0.0"), app =>
        {
            // What the framework puts before it by itself does not know the endpoint yet.
            app.UseRouting();
            app.MapGet("/open", () => "open");
            app.MapGet("/attribute", [RequirePolicyDecision("read")] () => "read");
            app.MapGet("/endpoint", () => "read").RequirePolicyDecision("read");
            app.MapGroup("/group").RequirePolicyDecision("read").MapGet("/{name}", (string name) => name);
            app.MapGet("/short", () => "read").RequirePolicyDecision("read").ShortCircuit();
        });

        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/open")).Status);
        foreach (var path in new[] { "/attribute", "/endpoint", "/group/one", "/short" })
        {
            Assert.Equal(HttpStatusCode.InternalServerError, (await web.GetAsync(path)).Status);
        }
    }

    [Fact]
    public async Task Who_could_sign_in_is_asked_to_and_who_did_is_told_why_not()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test,
            test.Publish("1.0.0"),
            app =>
            {
                app.UseAuthentication();
                app.UseAuthorization();
                app.MapGet("/write", () => "write").RequirePolicyDecision("write");
            },
            services => services.AddAuthorization().AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("test", null));

        Assert.Equal(HttpStatusCode.Unauthorized, (await web.GetAsync("/write")).Status);
        web.Http.DefaultRequestHeaders.Add("X-User", "ann");
        var (status, problem) = await web.GetAsync("/write");
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("decision.denied", problem.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Code_may_ask_about_anything_and_finds_the_decision_among_the_reasons()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make(
            "1.0.0", """{"id":"own","effect":"allow","reason":"own","match":{"path":"context.resource.owner_id","eq":{"path":"context.subject.id"}} }"""));
        await using var web = await WebApplicationUnderTest.ServingAsync(test, bundle, _ => { }, services => services.AddAuthorization());
        var authorization = web.Services.GetRequiredService<IAuthorizationService>();
        var ann = new ClaimsPrincipal(new ClaimsIdentity([new("sub", "ann")], "test"));

        Assert.True((await authorization.AuthorizeAsync(ann, new { OwnerId = "ann" }, new PolicyDecisionRequirement("read"))).Succeeded);
        var denied = await authorization.AuthorizeAsync(ann, new { OwnerId = "bob" }, new PolicyDecisionRequirement("read"));
        Assert.Equal("default-deny", denied.Failure!.FailureReasons.OfType<PolicyDecisionFailureReason>().Single().Denied.Answer.Decision.Reason);
    }

    [Fact]
    public async Task Code_may_ask_with_a_context_of_its_own()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Plane.Store(test.Bundles.Make(
            "1.0.0", """{"id":"own","effect":"allow","reason":"own","match":{"path":"context.resource.owner_id","eq":{"path":"context.subject.id"}} }"""));
        await using var web = await WebApplicationUnderTest.ServingAsync(test, bundle, _ => { }, services => services.AddAuthorization());
        var authorization = web.Services.GetRequiredService<IAuthorizationService>();
        var ann = new ClaimsPrincipal(new ClaimsIdentity([new("sub", "ann")], "test"));
        var json = """{"resource":{"owner_id":1},"subject":{"id":1}}"""u8.ToArray();

        Assert.True((await authorization.AuthorizeAsync(ann, JsonElement.Parse(json), new PolicyDecisionRequirement("read"))).Succeeded);
        Assert.True((await authorization.AuthorizeAsync(ann, DecisionContext.Parse(json), new PolicyDecisionRequirement("read"))).Succeeded);
        Assert.False((await authorization.AuthorizeAsync(ann, DecisionContext.Empty, new PolicyDecisionRequirement("read"))).Succeeded);
    }

    private sealed class HeaderAuthentication(
        Microsoft.Extensions.Options.IOptionsMonitor<AuthenticationSchemeOptions> options, Microsoft.Extensions.Logging.ILoggerFactory loggers,
        System.Text.Encodings.Web.UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Request.Headers["X-User"] is [{ } user]
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new("sub", user)], "test")), "test"))
                : AuthenticateResult.NoResult());
    }
}
