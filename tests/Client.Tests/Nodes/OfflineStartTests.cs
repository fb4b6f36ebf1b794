using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>The last good bundle, kept on disk over a restart.</summary>
public sealed class OfflineStartTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("policy-state-").FullName, "state");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public async Task Where_leases_were_off_the_kept_bundle_serves_at_once_and_says_that_it_is_offline()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        var one = await RunOnceAsync(test, "1.0.0");
        test.Plane.Intercept = Away;

        await using var node = await PolicyNode.StartAsync(Options(test));
        var decided = node.Decide("read", NodeUnderTest.Nothing);
        Assert.True(decided is { Allowed: true, Offline: true, Served: true });
        Assert.Equal((one.Hash, 1L), (decided.PolicyHash, decided.Epoch));
        Assert.True(node.Status is { Offline: true, Refusal: null, LoadedAt: not null });
        Assert.Contains(test.Events, e => e.Kind == NodeEventKind.Resumed);

        test.Plane.Intercept = null;
        await Eventually.Holds(() => !node.Status.Offline);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true, Offline: false });
    }

    [Fact]
    public async Task A_control_plane_that_takes_everything_and_answers_nothing_does_not_hold_the_kept_bundle_up()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Intercept = async http =>
        {
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };

        await using var node = await PolicyNode.StartAsync(Options(test)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true, Offline: true });
    }

    [Fact]
    public async Task A_node_whose_key_is_refused_serves_the_kept_bundle_says_so_and_goes_on_trying()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Intercept = async http =>
        {
            await FakeControlPlane.Problem(401, "auth.invalid").ExecuteAsync(http);
            return true;
        };

        await using var node = await PolicyNode.StartAsync(Options(test));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true, Offline: true });
        await Eventually.Holds(() => test.Events.Any(e => e is { Kind: NodeEventKind.Trouble, Code: "auth.invalid" }));

        test.Plane.Intercept = null;
        await Eventually.Holds(() => !node.Status.Offline);
    }

    [Fact]
    public async Task Where_leases_were_on_it_denies_until_the_first_directive_and_then_serves_without_a_download()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Intercept = Away;

        await using var node = await PolicyNode.StartAsync(Options(test));
        Assert.Equal("decide.stale", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.True(node.Status is { Offline: true, Version: "1.0.0", Refusal: "decide.stale" });

        test.Plane.Contents.Clear();
        var fetches = test.Plane.Count("/content");
        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Equal(fetches, test.Plane.Count("/content"));
        Assert.False(node.Status.Offline);
    }

    [Fact]
    public async Task A_bundle_that_the_first_directive_no_longer_allows_is_not_served()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Demand(test.Publish("2.0.0"));

        await using var node = await PolicyNode.StartAsync(Options(test));
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
        await Eventually.Holds(() => Directory.GetFiles(_folder, "*.bundle.json") is [var kept] && kept.Contains(node.Status.PolicyHash!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_kept_bundle_that_was_changed_on_disk_is_refused()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await RunOnceAsync(test, "1.0.0");
        using var strangers = new SignedBundles();
        var kept = Directory.GetFiles(_folder, "*.bundle.json").Single();
        await File.WriteAllBytesAsync(kept, strangers.Make("1.0.0").Content, TestContext.Current.CancellationToken);
        test.Plane.Intercept = Away;

        await using var node = await PolicyNode.StartAsync(Options(test));
        Assert.Equal("decide.no_policy", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.Contains(test.Events, e => e.Code == "reload.signature");
    }

    [Theory]
    [InlineData("state.json", "{")]
    [InlineData("state.json", "{}")]
    [InlineData("state.json", "")]
    public async Task A_kept_state_that_cannot_be_read_is_as_good_as_none(string name, string content)
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await RunOnceAsync(test, "1.0.0");
        await File.WriteAllTextAsync(Path.Combine(_folder, name), content, TestContext.Current.CancellationToken);

        await using var node = await PolicyNode.StartAsync(Options(test));
        await Eventually.Holds(() => node.Status.Refusal is null);
    }

    [Fact]
    public async Task The_state_of_another_node_is_not_taken_up()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Intercept = Away;

        await using var node = await PolicyNode.StartAsync(Options(test) with { Node = "n-2" });
        Assert.Equal("decide.no_policy", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    [Fact]
    public async Task An_epoch_that_was_obeyed_before_the_restart_is_not_gone_behind()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var one = test.Publish("1.0.0");
        test.Plane.Change(d => d with { Epoch = 7 });
        await RunOnceAsync(test, "1.0.0");
        test.Plane.Change(d => d with { Epoch = 3, PolicyHash = one.Hash });

        await using var node = await PolicyNode.StartAsync(Options(test));
        await Eventually.Holds(() => test.Plane.Reports.Any(report => report.Epoch == 8 && report.Seq == 1 && report.BootId == test.Plane.Reports.Last().BootId));
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Fact]
    public async Task What_is_kept_is_for_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no such modes.");
            return;
        }

        await using var test = await NodeUnderTest.CreateAsync();
        await RunOnceAsync(test, "1.0.0");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_folder));
        foreach (var file in Directory.GetFiles(_folder))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_stops_no_decision()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await File.WriteAllTextAsync(_folder, "in the way", TestContext.Current.CancellationToken);
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), Options(test));

        await Eventually.Holds(() => test.Events.Any(e => e.Code == "node.state_unwritable"));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_node_with_a_file_serves_its_last_good_bundle_where_the_file_is_broken_at_the_start()
    {
        using var test = new FileNode();
        var options = test.Unwatched with { StateFolder = _folder };
        var one = test.Write("1.0.0");
        await using (await PolicyNode.StartAsync(options))
        {
        }

        await File.WriteAllTextAsync(test.File, "{", TestContext.Current.CancellationToken);
        await using var node = await PolicyNode.StartAsync(options);
        Assert.Equal((one.Hash, 1L), (node.Decide("read", NodeUnderTest.Nothing).PolicyHash, node.Status.Epoch));
        Assert.Equal("reload.json", node.Status.Reloads.History[0].Code);
    }

    [Fact]
    public async Task A_way_back_by_another_file_outlives_a_restart_until_the_watched_file_changes()
    {
        using var test = new FileNode();
        var options = test.Unwatched with { StateFolder = _folder };
        test.Write("2.0.0");
        test.Write("1.0.0", test["previous.json"]);
        await using (var before = await PolicyNode.StartAsync(options))
        {
            Assert.True((await before.ReloadAsync(test["previous.json"])).Success);
        }

        await using (var node = await PolicyNode.StartAsync(options))
        {
            Assert.Equal(("1.0.0", 2L), (node.Status.Version, node.Status.Epoch));
        }

        test.Write("2.1.0");
        await using var after = await PolicyNode.StartAsync(options);
        Assert.Equal(("2.1.0", 3L), (after.Status.Version, after.Status.Epoch));
    }

    [Fact]
    public async Task A_file_that_was_refused_before_a_restart_is_judged_again_after_it()
    {
        using var test = new FileNode();
        var options = test.Unwatched with { StateFolder = _folder };
        test.Write("2.0.0");
        await using (var before = await PolicyNode.StartAsync(options with { Accept = candidate => candidate.Version == "3.0.0" ? "too new" : null }))
        {
            test.Write("3.0.0");
            Assert.Equal("reload.refused", (await before.ReloadAsync()).Code);
        }

        await using var after = await PolicyNode.StartAsync(options);
        Assert.Equal(("3.0.0", 2L), (after.Status.Version, after.Status.Epoch));
    }

    [Fact]
    public async Task A_pinned_trust_root_that_was_fetched_once_is_enough_to_start_offline()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        test.Plane.Roots[1] = test.Bundles.Root;
        var pinned = Options(test) with { TrustRoot = null, TrustRootSha256 = TrustAnchor.Fingerprint(test.Bundles.Root) };
        await RunOnceAsync(test, "1.0.0", pinned);
        test.Plane.Intercept = Away;

        await using var node = await PolicyNode.StartAsync(pinned);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task A_root_that_was_followed_is_kept_although_its_bundle_is_refused_and_is_not_gone_behind()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var next = new SignedBundles("next-key");
        var second = new TrustRoot { Version = 2, Keys = next.Root.Keys };
        await using (var node = await PolicyNode.StartAsync(Options(test)))
        {
            await Eventually.Holds(() => Kept() is { Roots: [{ Version: 1 }], PolicyHash: null });

            // The node never has a bundle: what it is offered is signed by a key that the second root no longer has.
            test.Plane.Roots[2] = TrustRoots.Sign(TrustRoots.Sign(second, test.Bundles.KeyId, test.Bundles.Key), next.KeyId, next.Key);
            test.Plane.Demand(test.Publish("1.0.0"));
            await Eventually.Holds(() => Kept() is { Roots: [_, { Version: 2 }] });
        }

        // Whoever withholds the second root from now on wins nothing.
        test.Plane.Roots.TryRemove(2, out _);
        await using var again = await PolicyNode.StartAsync(Options(test));
        await Eventually.Holds(() => again.Status.Reloads.Failed > 0);
        Assert.Equal(2, again.Status.TrustVersion);
        Assert.Equal("decide.no_policy", again.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    [Fact]
    public async Task A_sequence_that_was_seen_outlives_a_restart_although_its_bundle_was_not_taken_or_is_gone()
    {
        using var test = new FileNode();
        var options = test.Unwatched with { StateFolder = _folder, Accept = candidate => candidate.Version == "3.0.0" ? "too new" : null };
        await WriteAsync("1.0.0", 4);
        await using (var node = await PolicyNode.StartAsync(options))
        {
            await WriteAsync("3.0.0", 9);
            Assert.Equal("reload.refused", (await node.ReloadAsync()).Code);
            await WriteAsync("2.0.0", 5);
            Assert.Equal("reload.sequence", (await node.ReloadAsync()).Code);
            Assert.Equal("1.0.0", node.Status.Version);
        }

        File.Delete(Directory.GetFiles(_folder, "*.bundle.json").Single());
        await using var after = await PolicyNode.StartAsync(options);
        Assert.Equal("reload.sequence", (await after.ReloadAsync()).Code);
        Assert.True((await after.ReloadAsync(new ReloadOrder { AllowOlder = true })).Success);

        Task WriteAsync(string version, int sequence) => File.WriteAllBytesAsync(
            test.File, test.Bundles.Make(version, metadata: $",\"sequence\":{sequence}").Content, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_kept_bundle_that_was_damaged_is_written_again_once_it_was_fetched_again()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null });
        var one = await RunOnceAsync(test, "1.0.0");
        var kept = Directory.GetFiles(_folder, "*.bundle.json").Single();
        await File.WriteAllTextAsync(kept, "{", TestContext.Current.CancellationToken);

        await using (var node = await PolicyNode.StartAsync(Options(test)))
        {
            await Eventually.Holds(() => node.Status.PolicyHash == one.Hash);
        }

        test.Plane.Intercept = Away;
        await using var offline = await PolicyNode.StartAsync(Options(test));
        Assert.True(offline.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    private KeptState? Kept()
    {
        try
        {
            return JsonSerializer.Deserialize<KeptState>(File.ReadAllBytes(Path.Combine(_folder, "state.json")), PolicyJson.Options);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<bool> Away(HttpContext http)
    {
        http.Response.StatusCode = 503;
        await http.Response.CompleteAsync();
        return true;
    }

    private PolicyNodeOptions Options(NodeUnderTest test) => test.Options with { StateFolder = _folder };

    private async Task<SignedBundle> RunOnceAsync(NodeUnderTest test, string version, PolicyNodeOptions? options = null)
    {
        var bundle = test.Publish(version);
        await using var node = await test.ServingAsync(bundle, options ?? Options(test));
        return bundle;
    }
}
