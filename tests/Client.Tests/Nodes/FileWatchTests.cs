using System.Diagnostics;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>A watched file: whatever way it changes, what lies there in the end is in force, once, and never half of it.</summary>
public sealed class FileWatchTests : IDisposable
{
    private readonly FileNode _test = new();

    public void Dispose() => _test.Dispose();

    public static TheoryData<BundleFileWatch> Ways => [BundleFileWatch.EventsAndPolling, BundleFileWatch.Polling];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_burst_of_50_writes_makes_one_reload(BundleFileWatch way)
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });
        for (var i = 0; i < 49; i++)
        {
            _test.Write($"2.0.{i}");
        }

        var last = _test.Write("2.1.0");
        await Eventually.Holds(() => node.Status.PolicyHash == last.Hash);
        await OneMoreLookAsync(node);
        Assert.True(node.Status.Reloads is { Attempts: 2, Succeeded: 2 });
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_half_written_file_is_never_loaded(BundleFileWatch way)
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });
        var two = _test.Bundles.Make("2.0.0");
        var longest = TimeSpan.Zero;
        await using (var file = new FileStream(_test.File, FileMode.Create, FileAccess.Write, FileShare.ReadWrite))
        {
            var changing = Stopwatch.GetTimestamp();
            foreach (var part in two.Content.Chunk((two.Content.Length / 5) + 1))
            {
                // Longer than the watch waits for quiet, so that it does look at the half of it.
                Assert.Equal("1.0.0", node.Status.Version);
                await Task.Delay(250);
                Assert.Equal("1.0.0", node.Status.Version);
                var before = changing;
                changing = Stopwatch.GetTimestamp();
                await file.WriteAsync(part);
                await file.FlushAsync();
                longest = Stopwatch.GetElapsedTime(before) > longest ? Stopwatch.GetElapsedTime(before) : longest;
            }
        }

        await Eventually.Holds(() => node.Status.PolicyHash == two.Hash);

        // Where the disk held the writer up for as long as a file may stay broken, it was told to be.
        Assert.True(longest >= TimeSpan.FromSeconds(2) || node.Status.Reloads is { Attempts: 2, Failed: 0 });
    }

    [Fact]
    public async Task A_file_that_stays_broken_is_told_once_and_the_old_bundle_stays()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options);
        await File.WriteAllTextAsync(_test.File, "{ half a bund", TestContext.Current.CancellationToken);

        await Eventually.Holds(() => node.Status.Reloads.Failed == 1);
        Assert.Equal("reload.json", node.Status.Reloads.History[0].Code);
        await OneMoreLookAsync(node);
        Assert.True(node.Status.Reloads is { Attempts: 2, Failed: 1 });
        Assert.Equal("1.0.0", node.Decide("read", NodeUnderTest.Nothing).PolicyVersion);

        _test.Write("2.0.0");
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_file_replaced_by_rename_is_loaded(BundleFileWatch way)
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });

        _test.Replace("2.0.0");
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
        _test.Replace("2.1.0");
        await Eventually.Holds(() => node.Status.Version == "2.1.0");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_file_moved_away_and_another_moved_in_is_loaded(BundleFileWatch way)
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });

        File.Move(_test.File, _test["old.json"]);
        _test.Write("2.0.0", _test["new.json"]);
        File.Move(_test["new.json"], _test.File);
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
    }

    [Fact]
    public async Task A_file_that_is_gone_is_told_once_and_loaded_when_it_is_back()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options);
        File.Delete(_test.File);

        await Eventually.Holds(() => node.Status.Reloads.Failed == 1);
        Assert.Equal("reload.file", node.Status.Reloads.History[0].Code);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        _test.Write("2.0.0");
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_link_that_is_switched_is_followed(BundleFileWatch way)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        _test.Write("1.0.0", _test["v1.json"]);
        _test.Write("2.0.0", _test["v2.json"]);
        File.CreateSymbolicLink(_test.File, "v1.json");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });
        Assert.Equal("1.0.0", node.Status.Version);

        File.CreateSymbolicLink(_test["next"], "v2.json");
        File.Move(_test["next"], _test.File, overwrite: true);
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_ConfigMap_that_is_updated_is_followed(BundleFileWatch way)
    {
        // As the kubelet does: bundle.json -> ..data/bundle.json, ..data -> ..VERSION, and the second link is switched by a rename.
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        Volume("..2026_01", "1.0.0");
        Directory.CreateSymbolicLink(_test["..data"], "..2026_01");
        File.CreateSymbolicLink(_test.File, "..data/bundle.json");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = way });
        Assert.Equal("1.0.0", node.Status.Version);

        Volume("..2026_02", "2.0.0");
        Directory.CreateSymbolicLink(_test["..data_tmp"], "..2026_02");
        Assert.Equal(0, Rename(_test["..data_tmp"], _test["..data"]));
        Directory.Delete(_test["..2026_01"], recursive: true);
        await Eventually.Holds(() => node.Status.Version == "2.0.0");
        Assert.Equal(0, node.Status.Reloads.Failed);

        void Volume(string name, string version)
        {
            Directory.CreateDirectory(_test[name]);
            _test.Write(version, Path.Combine(_test[name], "bundle.json"));
        }
    }

    [Fact]
    public async Task A_touched_file_is_no_reload()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options);
        File.SetLastWriteTimeUtc(_test.File, DateTime.UtcNow.AddMinutes(-5));

        await OneMoreLookAsync(node);
        Assert.Equal(1, node.Status.Reloads.Attempts);
    }

    [Fact]
    public async Task A_reload_by_hand_is_not_repeated_by_the_watch()
    {
        _test.Write("1.0.0");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFilePoll = TimeSpan.FromSeconds(1) });
        _test.Write("2.0.0");
        Assert.True((await node.ReloadAsync()).Success);

        await OneMoreLookAsync(node);
        Assert.True(node.Status.Reloads is { Attempts: 2, Succeeded: 2 });
    }

    [Fact]
    public async Task A_file_that_comes_later_in_a_folder_that_comes_later_is_loaded()
    {
        var path = Path.Combine(_test["later"], "bundle.json");
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFile = path });
        Assert.Equal("decide.no_policy", node.Status.Refusal);

        Directory.CreateDirectory(_test["later"]);
        _test.Write("1.0.0", path);
        await Eventually.Holds(() => node.Status.Refusal is null);
    }

    [Fact]
    public async Task A_write_within_the_same_instant_of_the_file_systems_clock_is_found()
    {
        // Same size, same time stamp: only the bytes differ, as where a coarse clock stamps two writes alike.
        var one = _test.Bundles.Make("1.0.0");
        var other = _test.Bundles.Make("1.0.1");
        Assert.SkipWhen(one.Content.Length != other.Content.Length, "The signatures differ in length.");
        var stamp = DateTime.UtcNow;
        Write(one);
        await using var node = await PolicyNode.StartAsync(_test.Options with { BundleFileWatch = BundleFileWatch.Polling, BundleFilePoll = TimeSpan.FromSeconds(30) });
        Write(other);
        await Eventually.Holds(() => node.Status.PolicyHash == other.Hash);

        void Write(SignedBundle bundle)
        {
            File.WriteAllBytes(_test.File, bundle.Content);
            File.SetLastWriteTimeUtc(_test.File, stamp);
        }
    }

    // A file beside it that changes makes the watch look; once a later change was acted on, an earlier one would have been too.
    private static async Task OneMoreLookAsync(PolicyNode node)
    {
        var attempts = node.Status.Reloads.Attempts;
        var settled = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(settled) < TimeSpan.FromSeconds(2.5))
        {
            Assert.Equal(attempts, node.Status.Reloads.Attempts);
            await Task.Delay(50);
        }
    }

    // .NET renames a link to a folder only where nothing is; the kubelet's rename replaces.
    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "rename", CharSet = System.Runtime.InteropServices.CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [System.Runtime.InteropServices.DefaultDllImportSearchPaths(System.Runtime.InteropServices.DllImportSearchPath.SafeDirectories)]
    private static extern int Rename(string from, string to);
}
