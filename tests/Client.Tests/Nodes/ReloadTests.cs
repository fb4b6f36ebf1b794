using Microsoft.AspNetCore.Http;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class ReloadTests
{
    [Fact]
    public async Task A_node_swaps_to_the_demanded_bundle_and_ACKs_it_at_once()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { ReportIntervalSec = 7 });
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        Assert.Equal("default-deny", node.Decide("write", NodeUnderTest.Nothing).Decision.Reason);

        var epoch = test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.PolicyHash == two.Hash));
        var ack = test.Plane.Reports.First(r => r.PolicyHash == two.Hash);
        Assert.True(ack.Ack);
        Assert.Equal(epoch, ack.Epoch);
        Assert.True(ack.Reload is { Success: true, Version: "2.0.0", Rules: 2 });
        var decided = node.Decide("write", NodeUnderTest.Nothing);
        Assert.True(decided.Allowed);
        Assert.Equal((two.Hash, "2.0.0", epoch), (decided.PolicyHash, decided.PolicyVersion, decided.Epoch));
    }

    [Fact]
    public async Task While_it_goes_forward_a_node_serves_its_old_bundle()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        var release = HoldContent(test);
        var epoch = test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => node.Status.Epoch == epoch);
        Assert.Equal("1.0.0", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);

        // It says where it is: still at the epoch before, and not that it refuses.
        var reports = test.Plane.Reports.Count;
        await Eventually.Holds(() => test.Plane.Reports.Count > reports + 1);
        var last = test.Plane.Reports.Last();
        Assert.Equal((epoch - 1, true, one.Hash), (last.Epoch, last.Ack, last.PolicyHash));

        release.SetResult();
        await Eventually.Holds(() => node.Decide("write", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_node_that_hears_an_epoch_which_no_longer_allows_its_bundle_denies_until_it_has_swapped()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        var release = HoldContent(test);
        var epoch = test.Plane.Demand(two);
        await Eventually.Holds(() => node.Status.Epoch == epoch);
        Assert.Equal("decide.superseded", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        release.SetResult();
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Decision.Reason == "2.0.0");
    }

    [Fact]
    public async Task A_rollback_is_a_swap_without_a_fetch()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);

        test.Plane.Contents.Clear();
        var fetches = test.Plane.Count("/content");
        var epoch = test.Plane.Demand(one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Epoch == epoch && r.Ack && r.PolicyHash == one.Hash));
        Assert.Equal("1.0.0", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.Equal(fetches, test.Plane.Count("/content"));
    }

    [Fact]
    public async Task A_node_that_joins_in_the_middle_of_a_rollout_has_the_fallback_at_hand_too()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        test.Plane.Demand(two, fallback: one);
        await using var node = await PolicyNode.StartAsync(test.Options);
        await Eventually.Holds(() => test.Plane.Count(one.Hash) == 1 && node.Status.PolicyHash == two.Hash);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.PolicyHash == two.Hash));
        test.Plane.Contents.Clear();
        test.Plane.Demand(one);
        await Eventually.Holds(() => node.Status is { PolicyHash: { } hash, Refusal: null } && hash == one.Hash);
    }

    [Fact]
    public async Task A_bundle_signed_by_nobody_we_trust_is_NACKed_and_the_old_one_stays()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var strangers = new SignedBundles();
        var one = test.Publish("1.0.0");
        var forged = test.Plane.Store(strangers.Make("2.0.0"));
        await using var node = await test.ServingAsync(one);
        var epoch = test.Plane.Demand(forged, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r is { Ack: false } && r.Epoch == epoch));
        var nack = test.Plane.Reports.First(r => !r.Ack);
        Assert.StartsWith("bundle.signature_invalid", nack.Error, StringComparison.Ordinal);
        Assert.Equal(one.Hash, nack.PolicyHash);
        Assert.Equal("1.0.0", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.True(node.Status.Reloads is { Attempts: 2, Succeeded: 1, Failed: 1 });

        // The control plane takes it back: the node agrees at once.
        var back = test.Plane.Demand(one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Epoch == back && r.Ack));
    }

    [Fact]
    public async Task Content_of_another_hash_is_NACKed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.Contents[two.Hash] = test.Bundles.Make("3.0.0").Content;
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("node.hash_mismatch", StringComparison.Ordinal) == true));
        Assert.Equal(one.Hash, node.Status.PolicyHash);
    }

    [Fact]
    public async Task Damaged_content_is_NACKed_and_the_node_goes_on_trying()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.Contents[two.Hash] = two.Content[..^20];
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => !r.Ack));
        test.Plane.Store(two);
        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Ack: true, Error: null });
    }

    [Fact]
    public async Task A_control_plane_that_cannot_give_the_content_is_no_reason_to_NACK_however_long_it_lasts()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        var (away, asked) = (true, 0);
        test.Plane.Intercept = async http =>
        {
            if (!Volatile.Read(ref away) || !http.Request.Path.Value!.EndsWith("/content", StringComparison.Ordinal))
            {
                return false;
            }

            Interlocked.Increment(ref asked);
            await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
            return true;
        };
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => Volatile.Read(ref asked) > 0);
        test.Time.Pass(TimeSpan.FromSeconds(30));
        var before = Volatile.Read(ref asked);
        await Eventually.Holds(() => Volatile.Read(ref asked) > before + 9);
        var reports = test.Plane.Reports.Count;
        await Eventually.Holds(() => test.Plane.Reports.Count > reports + 1);
        Assert.DoesNotContain(test.Plane.Reports, report => !report.Ack);

        Volatile.Write(ref away, false);
        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);
    }

    [Fact]
    public async Task What_the_application_objects_to_is_NACKed_in_its_own_words_also_where_another_agent_has_loaded_it()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        var cache = new PolicyCache();
        test.Plane.Demand(two);
        await using var other = await PolicyNode.StartAsync(test.Options with { Node = "n-2", Cache = cache });
        await Eventually.Holds(() => other.Status.PolicyHash == two.Hash);

        var asked = new System.Collections.Concurrent.ConcurrentQueue<PolicyCandidate>();
        await using var node = await test.ServingAsync(one, test.Options with
        {
            Cache = cache,
            Accept = candidate =>
            {
                asked.Enqueue(candidate);
                return candidate.Version == "2.0.0" ? "this build stops at 1" : null;
            },
        });
        var epoch = test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r is { Ack: false } && r.Epoch == epoch));
        var nack = test.Plane.Reports.First(r => !r.Ack);
        Assert.Equal("node.not_accepted: this build stops at 1", nack.Error);
        Assert.Equal(one.Hash, nack.PolicyHash);
        Assert.Equal("1.0.0", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.Contains(new PolicyCandidate(two.Hash, "2.0.0", 2), asked);
    }

    [Fact]
    public async Task An_application_that_fails_while_it_looks_at_a_bundle_has_not_accepted_it()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(
            one, test.Options with { Accept = candidate => candidate.PolicyHash == two.Hash ? throw new InvalidOperationException("cannot look") : null });
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r is { Ack: false, Error: "node.not_accepted: cannot look" }));
        Assert.Equal(one.Hash, node.Status.PolicyHash);
    }

    [Theory]
    [InlineData("http://evil.example/v1/default/bundles/x/content")]
    [InlineData("//evil.example/content")]
    [InlineData("/\\evil.example/content")]
    [InlineData("v1/default/bundles/x/content")]
    [InlineData("/v1/../../etc/passwd")]
    [InlineData("@evil.example/content")]
    public async Task Content_is_never_fetched_from_elsewhere(string contentUrl)
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.ContentUrl = _ => contentUrl;
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("node.content_url_refused", StringComparison.Ordinal) == true));
        Assert.Equal(one.Hash, node.Status.PolicyHash);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_the_key_goes_nowhere_else()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var elsewhere = await FakeControlPlane.StartAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        elsewhere.Store(two);
        await using var node = await test.ServingAsync(one);
        test.Plane.Intercept = http =>
        {
            if (http.Request.Path.Value!.EndsWith("/content", StringComparison.Ordinal))
            {
                http.Response.Redirect(elsewhere.Address + http.Request.Path.Value[1..]);
                return Task.FromResult(true);
            }

            return Task.FromResult(false);
        };
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("client.redirect_refused", StringComparison.Ordinal) == true));
        Assert.Empty(elsewhere.Requests);
        Assert.All(test.Plane.Keys, key => Assert.Equal("Bearer node-key", key));
    }

    [Fact]
    public async Task A_newer_trust_root_is_followed_before_a_bundle_is_loaded()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var next = new SignedBundles("next-key");
        var one = test.Publish("1.0.0");
        var two = test.Plane.Store(next.Make("2.0.0"));
        await using var node = await test.ServingAsync(one);

        var root = new TrustRoot { Version = 2, Keys = [.. test.Bundles.Root.Keys, .. next.Root.Keys] };
        root = TrustRoots.Sign(TrustRoots.Sign(root, test.Bundles.KeyId, test.Bundles.Key), next.KeyId, next.Key);
        test.Plane.Roots[2] = root;
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => node.Status is { PolicyHash: { } hash, TrustVersion: 2 } && hash == two.Hash);
    }

    [Fact]
    public async Task A_trust_root_that_the_old_one_did_not_sign_is_not_followed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var strangers = new SignedBundles("stranger");
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        var forged = test.Plane.Store(strangers.Make("3.0.0"));
        await using var node = await test.ServingAsync(one);
        test.Plane.Roots[2] = TrustRoots.Sign(strangers.Root with { Version = 2 }, strangers.KeyId, strangers.Key);
        test.Plane.Demand(forged, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => !r.Ack));
        Assert.Equal(1, node.Status.TrustVersion);

        // What the old root accepts is still loaded.
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);
    }

    [Fact]
    public async Task A_bundle_whose_key_was_compromised_since_is_not_taken_from_memory()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var next = new SignedBundles("next-key");
        var one = test.Publish("1.0.0");
        var two = test.Plane.Store(next.Make("2.0.0"));
        await using var node = await test.ServingAsync(one);
        var both = new TrustRoot { Version = 2, Keys = [.. test.Bundles.Root.Keys, .. next.Root.Keys] };
        test.Plane.Roots[2] = TrustRoots.Sign(TrustRoots.Sign(both, test.Bundles.KeyId, test.Bundles.Key), next.KeyId, next.Key);
        var third = both with
        {
            Version = 3,
            Keys = [test.Bundles.Root.Keys[0] with { State = TrustKeyState.Compromised }, .. next.Root.Keys],
        };
        test.Plane.Roots[3] = TrustRoots.Sign(third, next.KeyId, next.Key);
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => node.Status is { TrustVersion: 3, PolicyHash: { } hash } && hash == two.Hash);

        test.Plane.Demand(one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("bundle.key_compromised", StringComparison.Ordinal) == true));
        Assert.Equal("decide.superseded", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    [Fact]
    public async Task Agents_of_a_process_share_one_load()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var transport = new PolicyTransport();
        var cache = new PolicyCache();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        test.Plane.Demand(one);
        var nodes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => PolicyNode.StartAsync(
            test.Options with { Node = $"n-{i}", Transport = transport, Cache = cache })));
        await Eventually.Holds(() => nodes.All(n => n.Status.PolicyHash == one.Hash));
        test.Plane.Demand(two, fallback: one);
        await Eventually.Holds(() => nodes.All(n => n.Status.PolicyHash == two.Hash));
        Assert.Equal(2, cache.Loads);
        Assert.Equal(1, test.Plane.Count(two.Hash));
        await Task.WhenAll(nodes.Select(n => n.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task An_agent_that_stops_while_another_waits_for_what_it_loads_is_no_reason_to_NACK()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var cache = new PolicyCache();
        var one = test.Publish("1.0.0");
        var release = HoldContent(test);
        test.Plane.Demand(one);
        var first = await PolicyNode.StartAsync(test.Options with { Node = "n-2", Cache = cache });
        await Eventually.Holds(() => test.Plane.Count("/content") > 0);
        await using var second = await PolicyNode.StartAsync(test.Options with { Cache = cache });

        // It looks for a newer root by itself, and then waits for the load that the first one has begun.
        await Eventually.Holds(() => test.Plane.Count("/trust/2") > 1);
        await first.DisposeAsync();
        release.SetResult();

        await Eventually.Holds(() => second.Decide("read", NodeUnderTest.Nothing).Allowed);
        await Eventually.Holds(() => test.Plane.Reports.Any(report => report.PolicyHash == one.Hash));
        Assert.DoesNotContain(test.Plane.Reports, report => !report.Ack);
    }

    [Fact]
    public async Task No_decision_is_lost_or_mixed_while_bundles_are_swapped()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one);
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                var decided = node.Decide("read", NodeUnderTest.Nothing);
                Assert.True(decided.Allowed, decided.Decision.Reason);
                Assert.Equal(decided.PolicyVersion, decided.Decision.Reason);
                Assert.Equal(decided.PolicyVersion == "1.0.0" ? one.Hash : two.Hash, decided.PolicyHash);
            }
        })).ToArray();
        for (var i = 0; i < 6; i++)
        {
            var (to, from) = i % 2 == 0 ? (two, one) : (one, two);
            test.Plane.Demand(to, fallback: from);
            await Eventually.Holds(() => node.Status.PolicyHash == to.Hash);
        }

        await stop.CancelAsync();
        await Task.WhenAll(load);
    }

    [Fact]
    public async Task A_node_without_a_trust_root_does_not_start()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(test.Options with { TrustRoot = null }));
        Assert.Empty(test.Plane.Requests);
    }

    [Fact]
    public async Task A_pinned_trust_root_is_fetched_and_compared()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Intercept = async http =>
        {
            if (http.Request.Path.Value!.EndsWith("/trust", StringComparison.Ordinal))
            {
                await FakeControlPlane.Json(test.Bundles.Root).ExecuteAsync(http);
                return true;
            }

            return false;
        };
        test.Plane.Demand(test.Publish("1.0.0"));
        var pinned = test.Options with { TrustRoot = null, TrustRootSha256 = TrustRoots.Hash(test.Bundles.Root) };
        await using (var node = await PolicyNode.StartAsync(pinned))
        {
            await Eventually.Holds(() => node.Status.Refusal is null);
        }

        await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(pinned with { TrustRootSha256 = new string('0', 64) }));
    }

    [Fact]
    public async Task A_node_that_the_control_plane_refuses_does_not_start()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Intercept = async http =>
        {
            await FakeControlPlane.Problem(403, "auth.forbidden").ExecuteAsync(http);
            return true;
        };
        var refused = await Assert.ThrowsAsync<PolicyApiException>(() => PolicyNode.StartAsync(test.Options));
        Assert.Equal((403, "auth.forbidden"), (refused.Status, refused.Code));
    }

    private static TaskCompletionSource HoldContent(NodeUnderTest test)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Plane.Intercept = async (HttpContext http) =>
        {
            if (http.Request.Path.Value!.EndsWith("/content", StringComparison.Ordinal))
            {
                await release.Task;
            }

            return false;
        };
        return release;
    }
}
