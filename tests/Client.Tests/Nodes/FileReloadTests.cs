using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class FileReloadTests : IDisposable
{
    private readonly FileNode _test = new();

    public void Dispose() => _test.Dispose();

    [Fact]
    public async Task A_node_with_a_file_serves_it_without_a_control_plane_and_without_a_lease()
    {
        var one = _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);

        var decided = node.Decide("read", NodeUnderTest.Nothing);
        Assert.True(decided.Allowed);
        Assert.Equal((one.Hash, "1.0.0", 1L), (decided.PolicyHash, decided.PolicyVersion, decided.Epoch));
        Assert.True(node.Status is { LeaseLeft: null, Refusal: null, Offline: false, BundleStale: false, Reloads: { Attempts: 1, Succeeded: 1 } });
        Assert.Equal("1.0.0", node.Bundle!.Metadata.Version);
        Assert.Equal(("local", "1.0.0"), (node.Name, node.Status.Version));
    }

    [Fact]
    public async Task A_reload_swaps_and_raises_the_epoch_and_so_does_the_same_file_again()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);
        var two = _test.Write("2.0.0");

        var reloaded = await node.ReloadAsync();
        Assert.True(reloaded is { Success: true, Version: "2.0.0", Epoch: 2, PoliciesLoaded: 2, Error: null, Code: null });
        Assert.True(reloaded.DurationMs > 0);
        Assert.Equal(two.Hash, node.Decide("write", NodeUnderTest.Nothing).PolicyHash);

        Assert.True(await node.ReloadAsync() is { Success: true, Epoch: 3 });
        Assert.True(node.Status.Reloads is { Attempts: 3, Succeeded: 3, Failed: 0, History.Length: 3 });
    }

    [Fact]
    public async Task The_previous_file_is_the_way_back()
    {
        _test.Write("2.0.0");
        _test.Write("1.0.0", _test["previous.json"]);
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);

        Assert.True(await node.ReloadAsync(_test["previous.json"]) is { Success: true, Version: "1.0.0" });
        Assert.False(node.Decide("write", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task Every_failure_keeps_the_old_bundle_and_says_which_part_was_wrong()
    {
        var one = _test.Write("1.0.0");
        using var strangers = new SignedBundles();
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);
        var wrong = new (byte[]? Content, string Code)[]
        {
            (null, "reload.file"),
            ("{"u8.ToArray(), "reload.json"),
            ("""{"metadata":{"a":1,"a":2}}"""u8.ToArray(), "reload.json"),
            (_test.Bundles.Make("2.0.0").Content.AsSpan()[..^30].ToArray(), "reload.json"),
            (Signed("""{"metadata":{"bundle_id":"b","issued_at":"2026-01-01T00:00:00Z","kind":"rules"},"policies":[{"id":"a","effect":"allow"}]}"""), "reload.structure"),
            (strangers.Make("2.0.0").Content, "reload.signature"),
            (Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(_test.Bundles.Make("2.0.0").Content).Replace("allow", "deny", StringComparison.Ordinal)), "reload.signature"),
            (_test.Bundles.Make("2.0.0", metadata: ""","expires_at":"2026-01-02T00:00:00Z" """).Content, "reload.expiry"),
            (Signed("""{"metadata":{"bundle_id":"b","version":"2.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"t","kind":"rules"},"policies":[]}"""), "reload.rules"),
            (Signed("""{"metadata":{"bundle_id":"b","version":"2.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"t","kind":"rules"},"policies":[{"id":"a","effect":"perhaps"}]}"""), "reload.rules"),
        };
        foreach (var (content, code) in wrong)
        {
            File.Delete(_test.File);
            if (content is not null)
            {
                await File.WriteAllBytesAsync(_test.File, content, TestContext.Current.CancellationToken);
            }

            var result = await node.ReloadAsync();
            Assert.Equal(code, result.Code);
            Assert.True(result is { Success: false, Version: "1.0.0", PoliciesLoaded: 0, Epoch: 1 });
            Assert.NotEmpty(result.Problems);
            Assert.NotEmpty(result.Error!);
            Assert.Equal(one.Hash, node.Decide("read", NodeUnderTest.Nothing).PolicyHash);
        }

        Assert.True(node.Status.Reloads is { Succeeded: 1, History.Length: 10 } counts && counts.Failed == wrong.Length && counts.Attempts == wrong.Length + 1);
        Assert.All(node.Status.Reloads.History, record => Assert.True(record is { Success: false, Code: not null, Error: not null }));
    }

    [Fact]
    public async Task A_lower_sequence_is_a_replay_unless_it_is_asked_for()
    {
        await File.WriteAllBytesAsync(_test.File, _test.Bundles.Make("2.0.0", metadata: ""","sequence":5""").Content, TestContext.Current.CancellationToken);
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);
        await File.WriteAllBytesAsync(_test.File, _test.Bundles.Make("1.0.0", metadata: ""","sequence":4""").Content, TestContext.Current.CancellationToken);

        Assert.Equal("reload.sequence", (await node.ReloadAsync()).Code);
        Assert.Equal("2.0.0", node.Status.Version);
        Assert.True((await node.ReloadAsync(new ReloadOrder { AllowOlder = true })).Success);
        Assert.Equal("1.0.0", node.Status.Version);
    }

    [Fact]
    public async Task An_expired_bundle_is_taken_where_it_is_asked_for_and_goes_on_after_its_end()
    {
        await File.WriteAllBytesAsync(_test.File, _test.Bundles.Make("1.0.0", metadata: ""","expires_at":"2026-01-02T00:00:00Z" """).Content, TestContext.Current.CancellationToken);
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);

        Assert.Equal("decide.no_policy", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.True((await node.ReloadAsync(new ReloadOrder { AllowExpired = true })).Success);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task What_the_application_objects_to_is_refused_in_its_words()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Unwatched with { Accept = candidate => candidate.Version == "2.0.0" ? "too new" : null });
        _test.Write("2.0.0");

        var result = await node.ReloadAsync();
        Assert.Equal("reload.refused", result.Code);
        Assert.Contains("too new", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_that_ends_after_its_node_was_stopped_puts_nothing_in_force()
    {
        _test.Write("1.0.0");
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var answer = new ManualResetEventSlim();
        var node = await PolicyNode.StartAsync(_test.Unwatched with
        {
            Accept = candidate =>
            {
                if (candidate.Version == "2.0.0")
                {
                    asked.TrySetResult();
                    answer.Wait(TimeSpan.FromSeconds(60));
                }

                return null;
            },
        });
        _test.Write("2.0.0");
        var reload = node.ReloadAsync();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await node.DisposeAsync();
        answer.Set();

        Assert.False((await reload).Success);
        Assert.False(node.Decide("read", NodeUnderTest.Nothing).Served);
        Assert.Equal("decide.stale", node.Status.Refusal);
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("socket")]
    [InlineData("device")]
    [InlineData("folder")]
    public async Task What_is_no_file_is_refused_and_not_waited_for(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere files are opened as .NET opens them.");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        switch (kind)
        {
            case "pipe":
                using (var made = Process.Start("mkfifo", _test.File))
                {
                    await made.WaitForExitAsync(TestContext.Current.CancellationToken);
                }

                break;
            case "socket":
                socket.Bind(new UnixDomainSocketEndPoint(_test.File));
                break;
            case "device":
                File.CreateSymbolicLink(_test.File, "/dev/zero");
                break;
            default:
                Directory.CreateDirectory(_test.File);
                break;
        }

        await using var node = await PolicyNode.StartAsync(_test.Unwatched, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        var result = await node.ReloadAsync();
        Assert.Equal(("reload.file", "file.irregular"), (result.Code, result.Problems[0].Code));
        Assert.Equal(2, node.Status.Reloads.Failed);
    }

    [Fact]
    public async Task A_bundle_in_force_for_more_than_24_hours_is_stale()
    {
        _test.Write("1.0.0");
        var clock = new LateClock();
        await using var node = await PolicyNode.StartAsync(_test.Unwatched with { TimeProvider = clock });

        clock.Later = TimeSpan.FromHours(24);
        Assert.False(node.Status.BundleStale && node.Status.BundleAge <= PolicyNode.StaleAfter);
        clock.Later = TimeSpan.FromHours(24) + TimeSpan.FromMinutes(1);
        Assert.True(node.Status is { BundleStale: true, BundleAge.TotalHours: > 24 });
        Assert.True((await node.ReloadAsync()).Success);
        Assert.False(node.Status.BundleStale);
    }

    [Fact]
    public async Task Requests_during_reloads_each_see_one_bundle_and_none_is_refused()
    {
        var versions = new[] { _test.Write("1.0.0"), _test.Write("2.0.0") }.ToDictionary(bundle => bundle.Hash, bundle => bundle.Version);
        await using var node = await PolicyNode.StartAsync(_test.Unwatched);
        using var stop = new CancellationTokenSource();
        var deciders = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            long decided = 0;
            while (!stop.IsCancellationRequested || decided == 0)
            {
                var decision = node.Decide("write", NodeUnderTest.Nothing);
                Assert.Equal(versions[decision.PolicyHash!], decision.PolicyVersion);
                Assert.Equal(decision.PolicyVersion == "2.0.0" ? "2.0.0" : "default-deny", decision.Decision.Reason);
                decided++;
            }

            return decided;
        })).ToArray();
        for (var i = 0; i < 50; i++)
        {
            _test.Write(i % 2 == 0 ? "1.0.0" : "2.0.0");
            Assert.True((await node.ReloadAsync()).Success);
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(deciders), decided => Assert.True(decided > 0));
        Assert.Equal(0, node.Status.Refused);
    }

    [Fact]
    public async Task The_numbers_go_to_whoever_exports_them()
    {
        var told = new System.Collections.Concurrent.ConcurrentQueue<ReloadRecord>();
        var measured = new System.Collections.Concurrent.ConcurrentQueue<(string Name, string Node, string Result)>();
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Name == "OrleansPolicy.Client")
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument.Name, tags));
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument.Name, tags));
        listener.Start();
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Unwatched with { Node = "measured", OnReload = told.Enqueue });
        File.Delete(_test.File);
        await node.ReloadAsync();
        listener.RecordObservableInstruments();

        Assert.Equal([true, false], told.Select(record => record.Success));
        Assert.Contains(("policy_reloads_total", "measured", "success"), measured);
        Assert.Contains(("policy_reload_duration_seconds", "measured", "success"), measured);
        Assert.Contains(("policy_reloads_total", "measured", "reload.file"), measured);
        Assert.Contains(("policy_node_serving", "measured", ""), measured);
        Assert.Contains(("policy_bundle_age_seconds", "measured", ""), measured);

        void Note(string name, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var byName = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            measured.Enqueue((name, byName["node"]!, byName.GetValueOrDefault("result") ?? ""));
        }
    }

    [Fact]
    public async Task A_node_without_a_file_takes_none()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => node.ReloadAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(() => node.ReloadAsync(_test.File));
    }

    [Fact]
    public async Task A_node_needs_a_file_or_a_key() => await Assert.ThrowsAsync<ArgumentException>(
        () => PolicyNode.StartAsync(new PolicyNodeOptions { Node = "n", Fleet = "f", TrustRoot = _test.Bundles.Root }));

    // No signer signs what is wrong, so the signature is made up: what is read comes before who signed it.
    private static byte[] Signed(string json) => Encoding.UTF8.GetBytes(json[..^1] + ""","signatures":[{"key_id":"test-key","algorithm":"ES256","sig":"AAAA"}]}""");

    private sealed class LateClock : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Later;
    }
}
