using Microsoft.AspNetCore.Http;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class LeaseTests
{
    [Fact]
    public async Task A_node_that_hears_nothing_denies_when_its_lease_runs_out_and_serves_again_when_it_is_heard()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Holds = false;
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);

        test.Plane.Intercept = Unavailable;
        await Eventually.Holds(() => test.Events.Any(e => e.Kind == NodeEventKind.Trouble));
        Assert.InRange(node.Status.LeaseLeft!.Value.TotalSeconds, 15, 45);
        test.Time.Pass(node.Status.LeaseLeft!.Value - TimeSpan.FromSeconds(15));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        test.Time.Pass(TimeSpan.FromSeconds(16));
        var denied = node.Decide("read", NodeUnderTest.Nothing);
        Assert.False(denied.Allowed);
        Assert.Equal("decide.stale", denied.Decision.Reason);
        Assert.False(denied.Served);

        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task The_lease_counts_from_when_the_request_was_sent_and_not_from_its_answer()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Holds = false;
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Intercept = Unavailable;
        test.Time.Pass(TimeSpan.FromSeconds(50));
        Assert.Equal("decide.stale", node.Status.Refusal);

        // One poll gets through; its answer takes 40 s of the node's clock. The lease has 5 s left when it arrives.
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.EndsWith("/directive", StringComparison.Ordinal) || !arrived.TrySetResult())
            {
                return await Unavailable(http);
            }

            await release.Task;
            return false;
        };
        await arrived.Task;
        test.Time.Pass(TimeSpan.FromSeconds(40));
        release.SetResult();
        await Eventually.Holds(() => node.Status.Refusal is null);
        Assert.InRange(node.Status.LeaseLeft!.Value.TotalSeconds, 0, 5);
        test.Time.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Fact]
    public async Task An_unchanged_answer_renews_the_lease_by_its_header_only()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = 10 });
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));

        // Reports fail, polls answer 304 after a second each.
        test.Plane.Intercept = http => IsReport(http) ? Unavailable(http) : Task.FromResult(false);
        for (var i = 0; i < 3; i++)
        {
            test.Time.Pass(TimeSpan.FromSeconds(6));
            await Eventually.Holds(() => node.Status.LeaseLeft > TimeSpan.FromSeconds(7));
        }

        // Without the header an answer grants nothing.
        test.Plane.Intercept = async http =>
        {
            if (IsReport(http))
            {
                return await Unavailable(http);
            }

            await Task.Delay(100);
            http.Response.StatusCode = 304;
            return true;
        };
        test.Time.Pass(TimeSpan.FromSeconds(11));
        var polls = test.Plane.Count("/directive");
        await Eventually.Holds(() => test.Plane.Count("/directive") > polls + 2);
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Fact]
    public async Task A_directive_without_a_word_about_the_lease_is_refused()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Intercept = async http =>
        {
            if (http.Request.Method == "PUT" || IsReport(http))
            {
                return await Unavailable(http);
            }

            http.Response.ContentType = "application/json";
            http.Response.Headers.ETag = "\"odd\"";
            await http.Response.WriteAsync("""{"epoch":9,"armed":true,"report_interval_sec":1}""");
            return true;
        };
        var polls = test.Plane.Count("/directive");
        test.Plane.Change(d => d);
        await Eventually.Holds(() => test.Plane.Count("/directive") > polls + 2);
        Assert.Equal(1, node.Status.Epoch);
        test.Time.Pass(TimeSpan.FromSeconds(46));
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Fact]
    public async Task Where_leases_are_off_a_node_serves_on()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Intercept = Unavailable;
        test.Time.Pass(TimeSpan.FromDays(30));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Null(node.Status.LeaseLeft);
    }

    [Fact]
    public async Task A_node_that_starts_without_its_control_plane_denies_and_goes_on_trying()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Demand(test.Publish("1.0.0"));
        test.Plane.Intercept = Unavailable;
        await using var node = await PolicyNode.StartAsync(test.Options);
        Assert.Equal("decide.no_policy", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task An_older_epoch_grants_nothing_and_changes_nothing()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.Change(d => d with { Epoch = 7, PolicyHash = two.Hash });
        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);

        test.Plane.Change(d => d with { Epoch = 3, PolicyHash = one.Hash });
        var polls = test.Plane.Count("/directive");
        await Eventually.Holds(() => test.Plane.Count("/directive") > polls);
        test.Time.Pass(TimeSpan.FromSeconds(46));
        var reports = test.Plane.Reports.Count;
        await Eventually.Holds(() => test.Plane.Reports.Count > reports + 2);
        Assert.Equal(two.Hash, node.Status.PolicyHash);
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Theory]
    [InlineData(3, 7)]
    [InlineData(7, 3)]
    public async Task That_an_older_directive_has_not_changed_renews_no_lease(long epoch, long armEpoch)
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Holds = false;
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Change(d => d with { Epoch = 7, ArmEpoch = 7 });
        await Eventually.Holds(() => node.Status.Epoch == 7);

        // Whatever is asked from here on is answered with this, and then with "unchanged" and a lease.
        test.Plane.Change(d => d with { Epoch = epoch, ArmEpoch = armEpoch });
        test.Time.Pass(TimeSpan.FromSeconds(46));
        var (unchanged, polls) = (test.Plane.Unchanged, test.Plane.Count("/directive"));
        await Eventually.Holds(() => test.Plane.Unchanged > unchanged + 1 && test.Plane.Count("/directive") > polls + 3);
        Assert.Equal("decide.stale", node.Status.Refusal);

        test.Plane.Change(d => d with { Epoch = 8, ArmEpoch = 8 });
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_stopped_node_denies()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var node = await test.ServingAsync(test.Publish("1.0.0"));
        await node.DisposeAsync();
        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    private static bool IsReport(HttpContext http) => http.Request.Path.Value!.EndsWith("/report", StringComparison.Ordinal);

    private static async Task<bool> Unavailable(HttpContext http)
    {
        await FakeControlPlane.Problem(503, "lease.unavailable").ExecuteAsync(http);
        return true;
    }
}
