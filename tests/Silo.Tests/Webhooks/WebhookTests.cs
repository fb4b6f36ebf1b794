using System.Net;
using System.Net.Sockets;
using OrleansPolicy.Silo.Tests.Http;
using OrleansPolicy.Silo.Tests.Postgres;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Tests.Webhooks;

/// <summary>What receivers are sent, by a whole process, over real connections.</summary>
public sealed class WebhookTests(PostgresServer server) : IDisposable
{
    private const double Patience = 180;

    private readonly TestBundles _bundles = new();

    public void Dispose() => _bundles.Dispose();

    [Fact]
    public async Task What_happens_is_sent_once_in_order_and_signed()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var receiver = await Receiver.StartAsync();
        await plane.FleetAsync();
        await plane.HappensAsync("before it was made");
        var (id, secret) = await plane.HookAsync(receiver.Address + "/hook");

        string[] reasons = [.. Enumerable.Range(0, 5).Select(index => $"reason {index}")];
        foreach (var reason in reasons)
        {
            await plane.HappensAsync(reason);
        }

        await HeardAsync(receiver, 5);
        Assert.Equal(reasons, receiver.Events.Select(heard => heard.Reason));
        var entries = (await plane.Tenant.GetAsync("/audit?newest=true&limit=5")).Expect(200)["entries"].EnumerateArray().Reverse().ToArray();
        foreach (var (heard, entry) in receiver.Events.Zip(entries))
        {
            Assert.Equal($"{id}-{entry.GetProperty("seq").GetInt64()}", heard.Id);
            Assert.Equal(("arm.disarmed", "default", "/hook", "application/json"), (heard.Type, heard.Json.GetProperty("tenant").GetString(), heard.Path, heard.Headers["Content-Type"]));
            Assert.Equal(entry.ToString(), heard.Json.GetProperty("data").ToString());
            Assert.True(WebhookSignature.Verify(
                secret, heard.Id, heard.Headers["webhook-timestamp"], heard.Headers["webhook-signature"], heard.Body, DateTimeOffset.UtcNow, TimeSpan.FromHours(1)));
            Assert.DoesNotContain("traceparent", heard.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        }

        await StandsAsync(plane, id, "up_to_date");
    }

    [Fact]
    public async Task A_rollout_is_followed_by_its_codes()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var receiver = await Receiver.StartAsync();
        (await plane.Admin.PutAsync("/v1/default/admission/config", new { max_updates_per_minute = 60_000, min_interval_sec = 0 })).Expect(200);
        (await plane.Tenant.PutAsync("/trust", _bundles.RootJson)).Expect(200);
        await plane.FleetAsync();
        (await plane.Tenant.PostAsync("/fleets/edge/nodes:batch", Enumerable.Range(0, 40).Select(index => new { node = $"n{index:000}" }))).Expect(200);
        foreach (var version in new[] { "1.0.0", "2.0.0" })
        {
            (await plane.Tenant.PostAsync("/bundles", _bundles.Make(version))).Expect(201);
        }

        (await plane.Tenant.PutAsync("/fleets/edge/baseline", new { @ref = "1.0.0", reason = "first" })).Expect(200);
        await plane.HookAsync(receiver.Address, "RWG-*");

        var rollout = (await plane.Tenant.PostAsync("/rollouts", new { fleet = "edge", @ref = "2.0.0", rollout_wedge = TestPlans.Sound(), reason = "go" })).Expect(201)["rollout_id"].GetString();
        (await plane.Tenant.PostAsync($"/rollouts/{rollout}/pause", new { reason = "hm" })).Expect(200);
        (await plane.Tenant.PostAsync($"/rollouts/{rollout}/rollback", new { reason = "no" })).Expect(200);

        await HeardAsync(receiver, 2);
        Assert.Equal(
            [("rollout.paused", "RWG-002", $"fleets/edge/rollouts/{rollout}"), ("rollout.rolled_back", "RWG-003", $"fleets/edge/rollouts/{rollout}")],
            receiver.Events.Select(heard => (heard.Type, Text(heard, "code"), Text(heard, "subject"))));

        static string? Text(Received heard, string name) => heard.Json.GetProperty("data").GetProperty(name).GetString();
    }

    [Fact]
    public async Task Where_nobody_is_all_of_it_waits_in_order_and_keeps_nobody_else_waiting()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var other = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await plane.FleetAsync();
        var (id, _) = await plane.HookAsync($"http://{nobody.LocalEndPoint}/");
        await plane.HookAsync(other.Address);

        await plane.HappensAsync("one");
        await plane.HappensAsync("two");
        await HeardAsync(other, 2);
        var failing = await StandsAsync(plane, id, "failing");
        Assert.StartsWith("webhook.connect: ", failing["error"].GetString(), StringComparison.Ordinal);
        Assert.True(failing.Json.TryGetProperty("waiting_since", out _));
        Assert.Equal(0, failing["dead_letters"].GetInt64());
        (await plane.Tenant.PutAsync($"/webhooks/{id}", new { url = receiver.Address })).Expect(200);

        await HeardAsync(receiver, 2);
        Assert.Equal(["one", "two"], receiver.Events.Select(heard => heard.Reason));
        await StandsAsync(plane, id, "up_to_date");
    }

    [Fact]
    public async Task Who_hangs_is_not_waited_for_and_keeps_nobody_waiting()
    {
        await using var plane = await SendingPlane.StartAsync(server, answerWithin: 10);
        await using var other = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, _) => Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        await plane.FleetAsync();
        var (id, _) = await plane.HookAsync(receiver.Address);
        await plane.HookAsync(other.Address);

        await plane.HappensAsync("one");
        await HeardAsync(other, 1);
        Assert.StartsWith("webhook.timeout: ", (await StandsAsync(plane, id, "failing"))["error"].GetString(), StringComparison.Ordinal);
        await Eventually.BecomesAsync(() => Task.FromResult(receiver.Heard.Count >= 2), true, Patience);
        Assert.Single(receiver.Events);
        receiver.Answer = (_, _) => Task.CompletedTask;

        await StandsAsync(plane, id, "up_to_date");
    }

    [Fact]
    public async Task What_is_refused_ten_times_is_a_dead_letter_that_can_be_sent_again()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, heard) => Receiver.Status(http, heard.Reason == "poison" ? 500 : 204);
        await plane.FleetAsync();
        var (id, _) = await plane.HookAsync(receiver.Address);

        await plane.HappensAsync("fine");
        await plane.HappensAsync("poison");
        await plane.HappensAsync("fine again");
        await HeardAsync(receiver, 3);
        Assert.Equal(["fine", "poison", "fine again"], receiver.Events.Select(heard => heard.Reason));
        Assert.InRange(receiver.Heard.Count(heard => heard.Reason == "poison"), 10, int.MaxValue);
        Assert.Equal(1, (await StandsAsync(plane, id, "up_to_date"))["dead_letters"].GetInt64());
        Assert.Equal("1", await NumberAsync(plane, $"policy_webhook_dead_letters{{tenant=\"default\",webhook=\"{id}\"}}"));
        var letter = Assert.Single((await plane.Tenant.GetAsync($"/webhooks/{id}/dead")).Expect(200)["dead_letters"].EnumerateArray());
        Assert.Equal(("arm.disarmed", "webhook.refused: The receiver answered 500."), (letter.GetProperty("type").GetString(), letter.GetProperty("error").GetString()));
        var seq = letter.GetProperty("seq").GetInt64();

        var refused = (await plane.Tenant.PostAsync($"/webhooks/{id}/dead/{seq}/replay", null)).Expect(200);
        Assert.Equal((false, 500, "webhook.refused"), (refused["delivered"].GetBoolean(), refused["status"].GetInt32(), refused["code"].GetString()));
        receiver.Answer = (_, _) => Task.CompletedTask;
        Assert.True((await plane.Tenant.PostAsync($"/webhooks/{id}/dead/{seq}/replay", null)).Expect(200)["delivered"].GetBoolean());

        Assert.Equal(("poison", $"{id}-{seq}"), (receiver.Heard[^1].Reason, receiver.Heard[^1].Id));
        Assert.Empty((await plane.Tenant.GetAsync($"/webhooks/{id}/dead")).Expect(200)["dead_letters"].EnumerateArray());
        (await plane.Tenant.PostAsync($"/webhooks/{id}/dead/{seq}/replay", null)).ExpectProblem(404, "webhook.dead_letter.unknown");
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var elsewhere = await Receiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        receiver.Answer = (http, _) =>
        {
            http.Response.Headers.Location = elsewhere.Address;
            return Receiver.Status(http, 307);
        };
        var (id, _) = await plane.HookAsync(receiver.Address);

        var tried = (await plane.Tenant.PostAsync($"/webhooks/{id}/test", null)).Expect(200);

        Assert.Equal((false, "webhook.redirect", 307), (tried["delivered"].GetBoolean(), tried["code"].GetString(), tried["status"].GetInt32()));
        Assert.Empty(elsewhere.Heard);
    }

    [Fact]
    public async Task Of_an_answer_without_end_next_to_nothing_is_read()
    {
        const long Gigabyte = 1L << 30;
        await using var plane = await SendingPlane.StartAsync(server);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var sending = Task.Run(() => AnswerWithoutEndAsync(listener, Gigabyte), TestContext.Current.CancellationToken);
        var (id, _) = await plane.HookAsync($"http://{listener.LocalEndpoint}/");

        Assert.True((await plane.Tenant.PostAsync($"/webhooks/{id}/test", null)).Expect(200)["delivered"].GetBoolean());

        // What lies in the buffers of two sockets besides.
        var sent = await sending.WaitAsync(TimeSpan.FromSeconds(Patience), TestContext.Current.CancellationToken);
        Assert.InRange(sent, 1, Gigabyte / 16);
    }

    // How many bytes went out before the other side hung up.
    private static async Task<long> AnswerWithoutEndAsync(TcpListener listener, long max)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        await using var stream = connection.GetStream();
        await stream.ReadAtLeastAsync(new byte[4096], 1);
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[0x10000], .. "\r\n"u8];
        var sent = 0L;
        try
        {
            for (; sent < max; sent += chunk.Length)
            {
                await stream.WriteAsync(chunk);
            }
        }
        catch (IOException)
        {
            // It hung up.
        }

        return sent;
    }

    [Fact]
    public async Task After_a_restart_it_goes_on_where_it_was()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var receiver = await Receiver.StartAsync();
        await plane.FleetAsync();
        var (id, secret) = await plane.HookAsync(receiver.Address);
        await plane.HappensAsync("one");
        await HeardAsync(receiver, 1);
        await StandsAsync(plane, id, "up_to_date");
        receiver.Answer = (http, _) => Receiver.Status(http, 503);
        await plane.HappensAsync("two");
        await plane.HappensAsync("three");
        await StandsAsync(plane, id, "failing");

        await plane.StopAsync();
        receiver.Answer = (_, _) => Task.CompletedTask;
        var before = receiver.Heard.Count;
        await plane.StartAsync();

        await HeardAsync(receiver, 3);
        Assert.Equal(["one", "two", "three"], receiver.Events.Select(heard => heard.Reason));
        Assert.DoesNotContain(receiver.Heard.Skip(before), heard => heard.Reason == "one");
        Assert.All(receiver.Heard, heard => Assert.True(WebhookSignature.Verify(
            secret, heard.Id, heard.Headers["webhook-timestamp"], heard.Headers["webhook-signature"], heard.Body, DateTimeOffset.UtcNow, TimeSpan.FromHours(1))));
    }

    [Fact]
    public async Task Of_two_processes_on_one_database_one_sends()
    {
        await using var plane = await SendingPlane.StartAsync(server);
        await using var another = await plane.StartAnotherAsync();
        await using var receiver = await Receiver.StartAsync();
        var (now, most) = (0, 0);
        receiver.Answer = async (_, _) =>
        {
            // Longer in all than it takes the other process to look, several times.
            most = Math.Max(most, Interlocked.Increment(ref now));
            await Task.Delay(100);
            Interlocked.Decrement(ref now);
        };
        await plane.FleetAsync();
        var (id, _) = await plane.HookAsync(receiver.Address);

        for (var index = 0; index < 40; index++)
        {
            await plane.HappensAsync($"{index}");
        }

        await HeardAsync(receiver, 40);
        await StandsAsync(plane, id, "up_to_date");
        Assert.Equal(Enumerable.Range(0, 40).Select(index => $"{index}"), receiver.Events.Select(heard => heard.Reason));
        Assert.Equal(1, most);
    }

    private static async Task HeardAsync(Receiver receiver, int count)
    {
        var deadline = DateTime.UtcNow.AddSeconds(Patience);
        while (receiver.Events.Count < count)
        {
            Assert.True(DateTime.UtcNow < deadline, $"After {Patience} s {receiver.Events.Count} of {count} were heard.");
            await Task.Delay(50);
        }
    }

    private static async Task<ApiAnswer> StandsAsync(SendingPlane plane, string id, string state)
    {
        ApiAnswer? last = null;
        await Eventually.BecomesAsync(
            async () =>
            {
                last = (await plane.Tenant.GetAsync($"/webhooks/{id}")).Expect(200);
                return last["state"].GetString();
            },
            state, Patience);
        return last!;
    }

    private static async Task<string?> NumberAsync(SendingPlane plane, string series)
    {
        string? number = null;
        await Eventually.BecomesAsync(
            async () =>
            {
                number = (await plane.Admin.GetAsync("/metrics")).Text.Split('\n').SingleOrDefault(line => line.StartsWith(series, StringComparison.Ordinal))?.Split(' ')[^1];
                return number is not null;
            },
            true, Patience);
        return number;
    }
}
