namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>An agent that was given several addresses, and loses the one it speaks to in every way in which one can be lost.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private NodeUnderTest _test = null!;
    private FakeControlPlane _second = null!;
    private SignedBundle _bundle = null!;

    public async ValueTask InitializeAsync()
    {
        _test = await NodeUnderTest.CreateAsync();
        _second = await FakeControlPlane.StartAsync();
        _bundle = _second.Store(_test.Publish("1.0.0"));
        _second.Demand(_bundle);
    }

    public async ValueTask DisposeAsync()
    {
        await _test.DisposeAsync();
        await _second.DisposeAsync();
    }

    [Fact]
    public async Task A_node_whose_silo_dies_goes_on_with_another_one_and_its_lease_with_it()
    {
        await using var node = await ServingAsync();
        var (own, other) = await SidesAsync();
        _test.Time.Pass(TimeSpan.FromSeconds(20));

        await own.DisposeAsync();

        await Eventually.Holds(() => other.Count("/directive") > 0 && node.Status.LeaseLeft!.Value.TotalSeconds > 30);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.DoesNotContain(_test.Events, e => e.Kind == NodeEventKind.Registered && e.At > _test.Events.First(lost => lost.Kind == NodeEventKind.Trouble).At);
    }

    [Fact]
    public async Task A_silo_that_takes_everything_and_answers_nothing_is_left()
    {
        await using var node = await ServingAsync();
        var (own, other) = await SidesAsync();

        own.Intercept = async http =>
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        _test.Time.Pass(TimeSpan.FromSeconds(20));

        await Eventually.Holds(() => other.Count("/directive") > 0 && node.Status.LeaseLeft!.Value.TotalSeconds > 30);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Contains(_test.Events, e => e.Text.Contains("no sign of life", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_poll_that_is_handed_back_is_taken_to_another_silo()
    {
        await using var node = await ServingAsync();
        var (own, other) = await SidesAsync();

        own.Intercept = async http =>
        {
            http.Response.Headers.RetryAfter = "0";
            await FakeControlPlane.Problem(503, "silo.stopping").ExecuteAsync(http);
            return true;
        };
        own.Change(directive => directive);

        await Eventually.Holds(() => other.Count("/directive") > 1);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(504)]
    public async Task A_silo_that_fails_or_is_dead_behind_its_proxy_is_left_before_the_lease_ends(int status)
    {
        await using var node = await ServingAsync();
        var (own, other) = await SidesAsync();

        own.Intercept = async http =>
        {
            await FakeControlPlane.Problem(status, "proxy.failed").ExecuteAsync(http);
            return true;
        };
        _test.Time.Pass(TimeSpan.FromSeconds(20));
        own.Change(directive => directive);

        await Eventually.Holds(() => other.Count("/directive") > 1 && node.Status.LeaseLeft!.Value.TotalSeconds > 30);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_silo_that_holds_a_poll_and_lives_is_not_left()
    {
        await using var node = await ServingAsync();
        var (own, other) = await SidesAsync();

        await Eventually.Holds(() => own.Count("/healthz") >= 3);

        Assert.Equal(0, other.Count("/directive"));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("2147483647")]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT")]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT")]
    public async Task What_stands_before_the_control_plane_does_not_decide_when_a_node_comes_back(string retryAfter)
    {
        // Each call fails once: the registration, the first poll, the roots, the content.
        var failed = new System.Collections.Concurrent.ConcurrentDictionary<string, bool>();
        _test.Plane.Demand(_bundle);
        _test.Plane.Intercept = async http =>
        {
            if (http.Request.Path.Value!.EndsWith("/report", StringComparison.Ordinal) || !failed.TryAdd($"{http.Request.Method} {http.Request.Path}", true))
            {
                return false;
            }

            http.Response.Headers.RetryAfter = retryAfter;
            await FakeControlPlane.Problem(503, "proxy.maintenance").ExecuteAsync(http);
            return true;
        };

        await using var node = await PolicyNode.StartAsync(_test.Options with
        {
            Backoff = _test.Options.Backoff with { RetryAfterMax = TimeSpan.FromMilliseconds(200) },
        }).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);

        Assert.Equal(4, failed.Count);
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_while_its_poll_is_held_stops()
    {
        var node = await ServingAsync();
        await SidesAsync();

        await node.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    private Task<PolicyNode> ServingAsync() =>
        _test.ServingAsync(_bundle, _test.Options with { Servers = [_test.Plane.Address, _second.Address] });

    // Which one the agent drew.
    private async Task<(FakeControlPlane Own, FakeControlPlane Other)> SidesAsync()
    {
        await Eventually.Holds(() => _test.Plane.Count("/directive") + _second.Count("/directive") > 0);
        return _test.Plane.Count("/directive") > 0 ? (_test.Plane, _second) : (_second, _test.Plane);
    }
}
