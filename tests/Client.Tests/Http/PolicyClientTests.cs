using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace OrleansPolicy.Client.Tests.Http;

public sealed class PolicyClientTests
{
    [Fact]
    public async Task A_change_is_repeated_under_the_same_idempotency_key_until_it_is_answered()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var keys = new ConcurrentQueue<string>();
        plane.Intercept = async http =>
        {
            keys.Enqueue(http.Request.Headers["Idempotency-Key"].ToString());
            if (keys.Count == 1)
            {
                http.Abort();
            }
            else if (keys.Count == 2)
            {
                await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
            }
            else
            {
                http.Response.StatusCode = 201;
                await FakeControlPlane.Json(new { Id = "k1", Key = "secret" }).ExecuteAsync(http);
            }

            return true;
        };
        using var client = Client(plane);
        var made = await client.CreateKeyAsync(new NewKey { Name = "n", Subject = "s", Role = "viewer" });
        Assert.Equal(("k1", "secret"), (made.Id, made.Key));
        Assert.Equal(3, keys.Count);
        Assert.Single(keys.Distinct());
        Assert.NotEmpty(keys.First());
    }

    [Fact]
    public async Task Two_changes_have_two_idempotency_keys_unless_the_caller_gives_one()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        var keys = new ConcurrentQueue<string>();
        plane.Intercept = async http =>
        {
            keys.Enqueue(http.Request.Headers["Idempotency-Key"].ToString());
            await FakeControlPlane.Json(new { Id = "k1", Key = "secret" }).ExecuteAsync(http);
            return true;
        };
        using var client = Client(plane);
        var key = new NewKey { Name = "n", Subject = "s", Role = "viewer" };
        await client.CreateKeyAsync(key);
        await client.CreateKeyAsync(key);
        await client.CreateKeyAsync(key, "mine");
        Assert.Equal(3, keys.Distinct().Count());
        Assert.Equal("mine", keys.Last());
    }

    [Fact]
    public async Task A_refusal_is_not_repeated_and_carries_its_code_and_problems()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.Headers.RetryAfter = "6";
            await FakeControlPlane.Problem(429, "admission.refused").ExecuteAsync(http);
            return true;
        };
        using var client = Client(plane);
        var refused = await Assert.ThrowsAsync<PolicyApiException>(() => client.PublishAsync("{}"u8.ToArray()));
        Assert.Equal((429, "admission.refused"), (refused.Status, refused.Code));
        Assert.Equal(TimeSpan.FromSeconds(6), refused.RetryAfter);
        Assert.Equal("Bearer the-key", Assert.Single(plane.Keys));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("86400", 86_400)]
    [InlineData("2147483647", 604_800)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 604_800)]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT", 0)]
    public async Task When_to_come_back_is_a_time_that_can_be_waited_for(string retryAfter, double seconds)
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.Headers.RetryAfter = retryAfter;
            await FakeControlPlane.Problem(429, "admission.refused").ExecuteAsync(http);
            return true;
        };
        using var client = Client(plane);
        var refused = await Assert.ThrowsAsync<PolicyApiException>(() => client.PublishAsync("{}"u8.ToArray()));
        Assert.Equal(seconds, refused.RetryAfter!.Value.TotalSeconds);
    }

    [Fact]
    public async Task A_refusal_for_another_reason_is_not_taken_for_the_limiters_answer()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await FakeControlPlane.Problem(429, "limit.requests").ExecuteAsync(http);
            return true;
        };
        using var client = Client(plane);
        var refused = await Assert.ThrowsAsync<PolicyApiException>(() => client.TakeAdmissionAsync("once"));
        Assert.Equal((429, "limit.requests"), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task An_answer_that_is_no_problem_details_still_has_a_code()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            http.Response.StatusCode = 502;
            await http.Response.WriteAsync("<html>Bad gateway</html>");
            return true;
        };
        using var client = Client(plane);
        var failed = await Assert.ThrowsAsync<PolicyApiException>(() => client.ListBundlesAsync());
        Assert.Equal("http.502", failed.Code);
    }

    [Fact]
    public async Task An_answer_that_takes_too_long_is_no_answer()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        using var client = Client(plane, o => o with { Timeout = TimeSpan.FromMilliseconds(200), MaxAttempts = 2 });
        await Assert.ThrowsAsync<PolicyUnreachableException>(() => client.ListBundlesAsync());
        Assert.Equal(2, plane.Requests.Count);
    }

    [Fact]
    public async Task An_endless_answer_is_cut_off()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        plane.Intercept = async http =>
        {
            var block = new byte[1024 * 1024];
            try
            {
                while (!http.RequestAborted.IsCancellationRequested)
                {
                    await http.Response.Body.WriteAsync(block, http.RequestAborted);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
            }

            return true;
        };
        using var client = Client(plane);
        var refused = await Assert.ThrowsAsync<PolicyApiException>(() => client.GetContentAsync("1.0.0"));
        Assert.Equal("client.answer_too_large", refused.Code);
    }

    [Fact]
    public async Task References_and_names_are_escaped()
    {
        await using var plane = await FakeControlPlane.StartAsync();
        using var client = Client(plane);
        await Assert.ThrowsAsync<PolicyApiException>(() => client.GetBundleAsync("tag:golden@edge/../../x?y=1"));
        Assert.Equal("GET /v1/default/bundles/tag:golden@edge%2F..%2F..%2Fx%3Fy=1", Assert.Single(plane.Requests));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080/base")]
    [InlineData("http://user:secret@127.0.0.1:8080")]
    [InlineData("file:///etc/passwd")]
    public void A_server_is_an_origin(string server) =>
        Assert.Throws<ArgumentException>(() => new PolicyClient(new PolicyClientOptions { Server = new Uri(server) }));

    [Fact]
    public void Waits_double_up_to_their_limit_and_are_drawn_at_random()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));
        for (var failures = 1; failures < 40; failures++)
        {
            var bound = Math.Min(100 * Math.Pow(2, failures - 1), 2000);
            var waits = Enumerable.Range(0, 50).Select(_ => backoff.After(failures).TotalMilliseconds).ToArray();
            Assert.All(waits, wait => Assert.InRange(wait, bound / 2, bound));
            Assert.True(waits.Distinct().Count() > 25);
        }

        Assert.InRange(backoff.After(1, TimeSpan.FromSeconds(4)).TotalSeconds, 4, 4.1);
        Assert.InRange(backoff.After(20, TimeSpan.FromSeconds(1)).TotalSeconds, 1, 1.5);
        Assert.InRange(backoff.After(1, TimeSpan.FromDays(100_000)).TotalSeconds, 5, 5.1);
        Assert.InRange((backoff with { RetryAfterMax = TimeSpan.FromMinutes(1) }).After(1, TimeSpan.MaxValue).TotalSeconds, 60, 60.1);
        Assert.InRange((backoff with { RetryAfterMax = TimeSpan.Zero }).After(1, TimeSpan.FromHours(1)).TotalSeconds, 0.05, 0.1);
        Assert.InRange(backoff.After(1, TimeSpan.FromDays(-1)).TotalSeconds, 0.05, 0.1);
    }

    private static PolicyClient Client(FakeControlPlane plane, Func<PolicyClientOptions, PolicyClientOptions>? change = null)
    {
        var options = new PolicyClientOptions
        {
            Server = plane.Address,
            ApiKey = "the-key",
            Backoff = new Backoff(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50)),
        };
        return new PolicyClient(change?.Invoke(options) ?? options);
    }
}
