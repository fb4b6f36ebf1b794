using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class LeadershipTests
{
    private readonly ConcurrentQueue<JsonElement> _asked = new();
    private volatile Func<HttpContext, JsonElement, Task> _answer = (http, asked) => AnswerAsync(http, 200, asked.GetProperty("policy_hash").GetString());

    [Fact]
    public async Task A_leader_serves_only_after_the_handshake_and_a_follower_without()
    {
        await using var test = await CreateAsync();
        var bundle = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(bundle);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answer = async (http, asked) =>
        {
            await hold.Task;
            await AnswerAsync(http, 200, asked.GetProperty("policy_hash").GetString());
        };

        node.Promote();
        var denied = node.Decide("read", NodeUnderTest.Nothing);
        Assert.Equal((false, "decide.parity_handshake"), (denied.Served, denied.Decision.Reason));
        await Eventually.Holds(() => !_asked.IsEmpty);
        Assert.Equal((bundle.Hash, "n-1"), (_asked.First().GetProperty("policy_hash").GetString(), _asked.First().GetProperty("node").GetString()));
        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Allowed);

        hold.SetResult();
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Equal((true, true), (node.Status.Leads, node.Status.Handshake?.Success));
        Assert.Contains(test.Events, e => e.Code == "node.handshake_ok" && e.Text.Contains(bundle.Hash, StringComparison.Ordinal));
        await Eventually.Holds(() => test.Plane.Reports.Sum(report => report.Promotions) == 1);
        node.Promote();
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_mismatch_is_asked_once_and_denies_until_the_directive_changes()
    {
        await using var test = await CreateAsync();
        var bundle = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(bundle);
        var other = new string('b', 64);
        _answer = (http, _) => AnswerAsync(http, 409, other);

        node.Promote();
        await Eventually.Holds(() => node.Status.Handshake is not null);
        var heard = test.Plane.Reports.Count;
        await Eventually.Holds(() => test.Plane.Reports.Count > heard + 8);

        Assert.Single(_asked);
        Assert.Equal(("parity.mismatch", other, bundle.Hash), (node.Status.Handshake!.Code, node.Status.Handshake.RemoteHash, node.Status.Handshake.LocalHash));
        Assert.Equal("decide.parity_handshake", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.Contains(test.Events, e => e.Code == "node.handshake_failed" && e.Text.Contains($"{bundle.Hash}, the other members have {other}", StringComparison.Ordinal));

        _answer = (http, asked) => AnswerAsync(http, 200, asked.GetProperty("policy_hash").GetString());
        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1 });
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task Another_bundle_is_served_only_after_a_handshake_of_its_own()
    {
        await using var test = await CreateAsync();
        var (first, second) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(first);
        node.Promote();
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        _answer = (http, _) => AnswerAsync(http, 409, first.Hash);

        test.Plane.Demand(second);
        await Eventually.Holds(() => node.Status is { PolicyHash: { } hash, Refusal: "decide.parity_handshake" } && hash == second.Hash);
        await Eventually.Holds(() => _asked.Any(asked => asked.GetProperty("policy_hash").GetString() == second.Hash));

        // Back to what the others have.
        _answer = (http, asked) => AnswerAsync(http, asked.GetProperty("policy_hash").GetString() == first.Hash ? 200 : 409, first.Hash);
        test.Plane.Demand(first);
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true, PolicyHash: { } hash } && hash == first.Hash);
    }

    [Fact]
    public async Task A_change_of_the_directive_alone_asks_again_and_a_mismatch_then_stops_it()
    {
        await using var test = await CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        node.Promote();
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        _answer = (http, _) => AnswerAsync(http, 409, new string('c', 64));

        test.Plane.Change(directive => directive with { ArmEpoch = 7 });

        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Decision.Reason == "decide.parity_handshake");
    }

    [Fact]
    public async Task A_leader_in_a_group_that_agrees_still_needs_its_handshake()
    {
        await using var test = await CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1, Group = new GroupDirective("pair", "default", 1, ParityPhase.Commit) });
        await Eventually.Holds(() => node.Status is { Epoch: 2, Refusal: null });
        _answer = (http, _) => AnswerAsync(http, 409, new string('c', 64));

        node.Promote();
        await Eventually.Holds(() => node.Status.Handshake is { Success: false });

        Assert.Equal("decide.parity_handshake", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    [Fact]
    public async Task No_answer_is_asked_three_times_and_the_whole_handshake_again_later()
    {
        await using var test = await CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        _answer = (http, _) => AnswerAsync(http, 200, "");

        node.Promote();
        await Eventually.Holds(() => node.Status.Handshake is not null);

        Assert.Equal(3, _asked.Count);
        Assert.Equal("parity.no_answer", node.Status.Handshake!.Code);
        Assert.Equal("Failed to get the policy hash of the other members after 3 attempts: Invalid response: missing policy_hash field", node.Status.Handshake.Error);
        _answer = (http, asked) => AnswerAsync(http, 200, asked.GetProperty("policy_hash").GetString());
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task Losing_the_lead_ends_the_handshake_and_the_next_promotion_begins_anew()
    {
        await using var test = await CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        _answer = (http, _) => AnswerAsync(http, 409, new string('c', 64));
        node.Promote();
        await Eventually.Holds(() => node.Status.Handshake is { Success: false });

        node.Demote();
        Assert.Equal((false, null), (node.Status.Leads, node.Status.Handshake));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);

        _answer = (http, asked) => AnswerAsync(http, 200, asked.GetProperty("policy_hash").GetString());
        node.Promote();
        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        await Eventually.Holds(() => test.Plane.Reports.Sum(report => report.Promotions) == 2);
    }

    [Fact]
    public async Task A_node_led_by_a_file_cannot_lead()
    {
        using var folder = new KeptFile();
        using var bundles = new SignedBundles();
        await File.WriteAllBytesAsync(folder.Path, bundles.Make("1.0.0").Content, TestContext.Current.CancellationToken);
        await using var node = await PolicyNode.StartAsync(new PolicyNodeOptions { BundleFile = folder.Path, TrustRoot = bundles.Root }, TestContext.Current.CancellationToken);

        Assert.Throws<InvalidOperationException>(node.Promote);
        node.Demote();

        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task The_client_asks_three_times_without_an_answer_and_once_where_the_answer_is_no()
    {
        await using var test = await CreateAsync();
        using var client = new PolicyClient(new PolicyClientOptions { Server = test.Plane.Address, ApiKey = "key" });
        var (mine, other) = (new string('a', 64), new string('b', 64));
        _answer = (http, _) => FakeControlPlane.Problem(503, "parity.no_answer").ExecuteAsync(http);

        var unanswered = await client.HandshakeAsync(FakeControlPlane.Fleet, "brain", mine, "brain", TestContext.Current.CancellationToken);
        Assert.Equal(("parity.no_answer", 3), (unanswered.Code, _asked.Count));
        Assert.Equal("brain", _asked.First().GetProperty("role").GetString());

        _answer = (http, _) => AnswerAsync(http, 409, other);
        var mismatch = await client.HandshakeAsync(FakeControlPlane.Fleet, "brain", mine, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("parity.mismatch", 4, $"Policy hash mismatch: brain has {mine}, the other members have {other}"), (mismatch.Code, _asked.Count, mismatch.Error));

        // A server that calls different hashes a success is not believed.
        _answer = (http, _) => AnswerAsync(http, 200, mine.ToUpperInvariant());
        Assert.Equal("parity.mismatch", (await client.HandshakeAsync(FakeControlPlane.Fleet, "brain", mine, cancellationToken: TestContext.Current.CancellationToken)).Code);
    }

    private static Task AnswerAsync(HttpContext http, int status, string? hash) =>
        Results.Text(JsonSerializer.Serialize(new { success = status == 200, remote_hash = hash, hash_kind = "policy_hash", code = status == 409 ? "parity.mismatch" : null }), "application/json", statusCode: status)
            .ExecuteAsync(http);

    private async Task<NodeUnderTest> CreateAsync()
    {
        var test = await NodeUnderTest.CreateAsync();
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.EndsWith("/handshake", StringComparison.Ordinal))
            {
                return false;
            }

            var asked = await JsonSerializer.DeserializeAsync<JsonElement>(http.Request.Body);
            _asked.Enqueue(asked);
            await _answer(http, asked);
            return true;
        };
        return test;
    }

    private sealed class KeptFile : IDisposable
    {
        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
