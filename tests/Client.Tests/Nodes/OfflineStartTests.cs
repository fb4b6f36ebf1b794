using Microsoft.AspNetCore.Http;

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
