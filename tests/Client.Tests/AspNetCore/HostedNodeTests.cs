using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansPolicy.Client.Tests.Nodes;

namespace OrleansPolicy.Client.Tests.AspNetCore;

public sealed class HostedNodeTests
{
    [Fact]
    public async Task A_host_starts_at_once_without_a_control_plane_denies_and_serves_when_it_comes()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Demand(bundle);
        test.Plane.Intercept = Away;
        await using var web = await WebApplicationUnderTest.StartAsync(test, app => app.MapGet("/read", () => "read").RequireDecision("read"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await web.GetAsync("/read")).Status);
        test.Plane.Intercept = null;
        await web.ServesAsync(bundle);
        Assert.Equal(HttpStatusCode.OK, (await web.GetAsync("/read")).Status);
    }

    [Fact]
    public async Task A_key_that_is_refused_at_first_does_not_stop_the_host_for_good()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Demand(bundle);
        test.Plane.Intercept = async http =>
        {
            await FakeControlPlane.Problem(401, "auth.invalid").ExecuteAsync(http);
            return true;
        };
        await using var web = await WebApplicationUnderTest.StartAsync(test, _ => { }, services => services.AddHealthChecks().AddPolicyNode());
        var checks = web.Services.GetRequiredService<HealthCheckService>();
        await Eventually.Holds(() => Entry(checks).Data.TryGetValue("trouble", out var code) && (string)code == "auth.invalid");

        test.Plane.Intercept = null;
        await web.ServesAsync(bundle);
    }

    [Fact]
    public async Task An_application_that_leads_before_its_node_has_started_serves_only_after_the_handshake()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Demand(bundle);
        test.Plane.Intercept = Away;
        await using var web = await WebApplicationUnderTest.StartAsync(test, app => app.MapGet("/read", () => "read").RequireDecision("read"));

        // Said to the host, as there is no node yet that could be told.
        web.Node.Promote();
        var agrees = false;
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.EndsWith("/handshake", StringComparison.Ordinal))
            {
                return false;
            }

            await Results.Json(
                new
                {
                    success = Volatile.Read(ref agrees),
                    remote_hash = agrees ? bundle.Hash : new string('b', 64),
                    hash_kind = "policy_hash",
                    code = agrees ? null : "parity.mismatch",
                },
                statusCode: agrees ? 200 : 409).ExecuteAsync(http);
            return true;
        };
        await Eventually.Holds(() => web.Node.Status is { Leads: true, Refusal: "decide.parity_handshake", Handshake: not null });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await web.GetAsync("/read")).Status);

        Volatile.Write(ref agrees, true);
        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1 });
        await web.ServesAsync(bundle);
        Assert.Equal((HttpStatusCode.OK, true), ((await web.GetAsync("/read")).Status, web.Node.Status.Handshake!.Success));
        await Eventually.Holds(() => test.Plane.Reports.Sum(report => report.Promotions) == 1);

        // Who leads no more needs nobody's word, and who leads again does.
        web.Node.Demote();
        Volatile.Write(ref agrees, false);
        await web.ServesAsync(bundle);
        Assert.False(web.Node.Status.Leads);
        web.Node.Promote();
        await Eventually.Holds(() => web.Node.Status.Refusal == "decide.parity_handshake");
    }

    [Fact]
    public async Task A_node_that_is_led_by_a_file_cannot_lead()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var web = await WebApplicationUnderTest.StartAsync(test, _ => { }, settings: node => node.BundleFile = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N")));

        Assert.Throws<InvalidOperationException>(web.Node.Promote);
        web.Node.Demote();
        Assert.False(web.Node.Status.Leads);
    }

    [Fact]
    public async Task A_bundle_file_that_was_away_and_is_back_unchanged_is_no_trouble()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var folder = Directory.CreateTempSubdirectory("policy-away-").FullName;
        var (file, away) = (Path.Combine(folder, "bundle.json"), Path.Combine(folder, "away.json"));
        try
        {
            File.WriteAllBytes(file, test.Bundles.Make("1.0.0").Content);
            await using var web = await WebApplicationUnderTest.StartAsync(test, _ => { }, services => services.AddHealthChecks().AddPolicyNode(), node =>
            {
                var adjust = node.Adjust!;
                (node.BundleFile, node.DecisionLog) = (file, null);
                node.Adjust = options => adjust(options) with { BundleFilePoll = TimeSpan.FromMilliseconds(200) };
            });
            var checks = web.Services.GetRequiredService<HealthCheckService>();
            await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);

            File.Move(file, away);
            await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Degraded);
            Assert.Equal("reload.file", Entry(checks).Data["trouble"]);

            File.Move(away, file);
            await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);
            Assert.Equal((1L, "1.0.0"), (web.Node.Status.Reloads.Succeeded, web.Node.Status.Version));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Health_tells_serving_from_serving_alone_and_from_denying_everything()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Demand(bundle);
        await using var web = await WebApplicationUnderTest.StartAsync(test, _ => { }, services => services.AddHealthChecks().AddPolicyNode());
        var checks = web.Services.GetRequiredService<HealthCheckService>();
        await web.ServesAsync(bundle);
        Assert.Equal(HealthStatus.Healthy, Entry(checks).Status);
        Assert.Equal("1.0.0", Entry(checks).Data["policy_version"]);

        test.Plane.Intercept = Away;
        test.Plane.Change(directive => directive);
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Degraded);

        test.Time.Pass(TimeSpan.FromSeconds(46));
        var denying = Entry(checks);
        Assert.Equal(HealthStatus.Unhealthy, denying.Status);
        Assert.Contains("decide.stale", denying.Description, StringComparison.Ordinal);

        test.Plane.Intercept = null;
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task Trouble_of_one_part_does_not_end_because_another_one_is_well()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test, one, _ => { }, services => services.AddHealthChecks().AddPolicyNode(), node =>
            {
                var adjust = node.Adjust!;
                node.Adjust = options => adjust(options) with { OnEvent = test.Events.Enqueue };
                node.DecisionLog = new DecisionLogOptions { BatchWait = TimeSpan.FromMilliseconds(20) };
            });
        var checks = web.Services.GetRequiredService<HealthCheckService>();
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);

        // The poll fails, and so does the log; the next bundle comes with the answer to a report.
        test.Plane.Intercept = http => FailAsync(http, "/directive", "/decisions");
        test.Plane.Demand(two);
        await web.ServesAsync(two);
        await Eventually.Holds(() => test.Events.Any(e => e is { Kind: NodeEventKind.Swapped, Source: NodeEventSource.Bundle } && e.Text.Contains("2.0.0", StringComparison.Ordinal)));
        await Eventually.Holds(() => test.Events.Any(e => e is { Kind: NodeEventKind.Trouble, Source: NodeEventSource.ControlPlane }));
        Assert.Equal((HealthStatus.Degraded, "fails.directive"), (Entry(checks).Status, Entry(checks).Data["trouble"]));

        web.Node.Decide("read", NodeUnderTest.Nothing);
        await Eventually.Holds(() => test.Events.Any(e => e is { Kind: NodeEventKind.Trouble, Source: NodeEventSource.DecisionLog }));
        test.Plane.Intercept = http => FailAsync(http, "/decisions");
        await Eventually.Holds(() => test.Events.Any(e => e is { Kind: NodeEventKind.Recovered, Source: NodeEventSource.ControlPlane }));
        Assert.Equal((HealthStatus.Degraded, "fails.decisions"), (Entry(checks).Status, Entry(checks).Data["trouble"]));

        test.Plane.Intercept = null;
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_bundle_that_was_refused_and_is_not_demanded_any_more_is_no_trouble()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var web = await WebApplicationUnderTest.ServingAsync(
            test, one, _ => { }, services => services.AddHealthChecks().AddPolicyNode(), node =>
            {
                var adjust = node.Adjust!;
                node.Adjust = options => adjust(options) with { Accept = candidate => candidate.Version == "2.0.0" ? "too new" : null };
            });
        var checks = web.Services.GetRequiredService<HealthCheckService>();

        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Degraded);
        Assert.Equal("node.refused", Entry(checks).Data["trouble"]);

        test.Plane.Demand(one);
        await Eventually.Holds(() => Entry(checks).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task Requests_that_fail_under_a_bundle_count_as_its_errors_and_those_refused_do_not()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        await using var web = await WebApplicationUnderTest.StartAsync(test, app =>
        {
            app.UsePolicyNodeMetrics();
            app.MapGet("/good", () => "read").RequireDecision("read");
            app.MapGet("/bad", () => Results.StatusCode(502)).RequireDecision("read");
            app.MapGet("/worse", string () => throw new InvalidOperationException("no")).RequireDecision("read");
            app.MapGet("/denied", () => "write").RequireDecision("write");
            app.MapGet("/undecided", () => Results.StatusCode(500));
        });

        // Started, and without a policy yet: what is refused before that is counted nowhere.
        await Eventually.Holds(() => web.Node.Status.TrustVersion > 0);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await web.GetAsync("/good")).Status);
        test.Plane.Demand(bundle);
        await web.ServesAsync(bundle);

        foreach (var path in new[] { "/good", "/good", "/bad", "/worse", "/denied", "/undecided" })
        {
            await web.GetAsync(path);
        }

        (double Count, double Sum) Total(string name)
        {
            var values = test.Plane.Reports.Select(report => report.Metrics.GetValueOrDefault(name)).OfType<OrleansPolicy.Fleets.MetricValue>().ToList();
            return (values.Sum(value => value.Count), values.Sum(value => value.Sum));
        }

        await Eventually.Holds(() => Total("decisions").Count == 5 && Total("error_rate").Sum == 2);
        Assert.True(Total("error_rate").Count is >= 5 and <= 7, Total("error_rate").ToString());
        Assert.Equal((1, 1), Total("refused"));
    }

    [Fact]
    public async Task Settings_come_from_the_configuration_and_every_mistake_is_named_before_anything_starts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PolicyNode:Server"] = "http://127.0.0.1:1/path",
            ["PolicyNode:Fleet"] = "No Such Name",
            ["PolicyNode:Node"] = "web-1",
            ["PolicyNode:TrustRootFile"] = "/nowhere/root.json",
            ["PolicyNode:TrustRootSha256"] = "abc",
        });
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddPolicyNode();
        using var host = builder.Build();

        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.Equal(6, refused.Failures.Count());
        foreach (var word in new[] { "PolicyNode:Fleet 'No Such Name'", "PolicyNode:Server", "ApiKeyFile", "one of TrustRootFile", "64 hexadecimal", "/nowhere/root.json" })
        {
            Assert.Contains(refused.Failures, failure => failure.Contains(word, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_host_without_a_web_server_may_have_a_node_too()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddPolicyNode();
        builder.ConfigureContainer(new DefaultServiceProviderFactory(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true }));

        using var host = builder.Build();

        Assert.NotNull(host.Services.GetRequiredService<IPolicyNode>());
    }

    [Fact]
    public async Task Sound_settings_become_the_nodes_options()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var root = Path.Combine(folder.FullName, "root.json");
            var key = Path.Combine(folder.FullName, "node.key");
            await File.WriteAllBytesAsync(root, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(test.Bundles.Root, PolicyJson.Options));
            await File.WriteAllTextAsync(key, "the-key\n");
            var bundle = test.Publish("1.0.0");
            test.Plane.Demand(bundle);
            var builder = Host.CreateEmptyApplicationBuilder(null);
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["PolicyNode:Server"] = test.Plane.Address.ToString(),
                ["PolicyNode:ApiKeyFile"] = key,
                ["PolicyNode:Fleet"] = FakeControlPlane.Fleet,
                ["PolicyNode:Node"] = "worker-7",
                ["PolicyNode:Labels:zone"] = "a",
                ["PolicyNode:DecisionLog:Loss"] = "block",
                ["PolicyNode:DecisionLog:BatchWait"] = "00:00:00.020",
                ["PolicyNode:DecisionLog:DropPaths:0"] = "context.token",
                ["PolicyNode:TrustRootFile"] = root,
            });
            builder.Services.AddLogging(logging => logging.ClearProviders());
            builder.Services.AddPolicyNode();
            using var host = builder.Build();
            await host.StartAsync();
            var node = host.Services.GetRequiredService<IPolicyNode>();

            await Eventually.Holds(() => node.Status.Refusal is null);
            Assert.Equal("worker-7", node.Name);
            Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
            Assert.Contains("Bearer the-key", test.Plane.Keys);

            node.Decide("read", System.Text.Json.JsonElement.Parse("""{"token":"s3cret","n":1}"""));
            await Eventually.Holds(() => test.Plane.Decisions.Any(line => line.Contains("\"context\":{\"n\":1}", StringComparison.Ordinal)));

            await host.StopAsync();
            Assert.Equal("decide.stale", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<bool> FailAsync(HttpContext http, params string[] ends)
    {
        if (Array.Find(ends, end => http.Request.Path.Value!.EndsWith(end, StringComparison.Ordinal)) is not { } end)
        {
            return false;
        }

        await FakeControlPlane.Problem(503, "fails." + end[1..]).ExecuteAsync(http);
        return true;
    }

    private static HealthReportEntry Entry(HealthCheckService checks) => checks.CheckHealthAsync().GetAwaiter().GetResult().Entries["policy_node"];

    private static async Task<bool> Away(HttpContext http)
    {
        await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
        return true;
    }
}
