using System.Diagnostics;
using System.Text.Json;
using OrleansPolicy.Client.Tests.Nodes;

namespace OrleansPolicy.Client.Tests.DecisionLogs;

public sealed class SpillTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private DecisionLogOptions Spill => new() { Loss = DecisionLogLoss.Spill, SpillFolder = _folder, BatchWait = TimeSpan.FromMilliseconds(20), FlushFor = TimeSpan.FromMilliseconds(100) };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_outage_costs_nothing_and_the_order_is_kept()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = Spill });
        test.Plane.Intercept = DecisionLogTests.Away;
        const int Made = 5_000;

        for (var n = 0; n < Made; n++)
        {
            node.Decide("read", DecisionLogTests.Numbered(n));
        }

        await Eventually.Holds(() => node.Status.DecisionLog is { Trouble: not null, WaitingBytes: > Made * 500 });
        test.Plane.Intercept = null;
        await Eventually.Holds(() => test.Plane.Decisions.Count == Made);

        Assert.Equal(Enumerable.Range(0, Made), Numbers(test));
        await Eventually.Holds(() => node.Status.DecisionLog is { Lost: 0, WaitingBytes: 0, Trouble: null });
        Assert.Empty(Files());
    }

    [Fact]
    public async Task What_a_stopped_node_could_not_put_away_goes_first_when_it_is_back()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Intercept = DecisionLogTests.Away;
        var node = await test.ServingAsync(bundle, test.Options with { DecisionLog = Spill });
        for (var n = 0; n < 100; n++)
        {
            node.Decide("read", DecisionLogTests.Numbered(n));
        }

        await node.DisposeAsync();
        Assert.NotEmpty(Files());
        Assert.Equal(0, node.Status.DecisionLog!.Lost);

        // Killed in the middle of a line: that one was promised to nobody.
        await File.AppendAllTextAsync(Files().Last(), "{\"at\":\"20");

        test.Plane.Intercept = null;
        await using var next = await test.ServingAsync(bundle, test.Options with { DecisionLog = Spill });
        next.Decide("read", DecisionLogTests.Numbered(100));
        await Eventually.Holds(() => test.Plane.Decisions.Count == 101);
        Assert.Equal(Enumerable.Range(0, 101), Numbers(test));
        await Eventually.Holds(() => Files().Length == 0);
    }

    [Fact]
    public async Task A_batch_that_arrived_before_the_process_died_is_not_stored_again_after_it()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Intercept = async http =>
        {
            if (!DecisionLogTests.IsUpload(http))
            {
                return false;
            }

            await test.Plane.TakeDecisionsAsync(http);
            http.Abort();
            return true;
        };
        var node = await test.ServingAsync(bundle, test.Options with { DecisionLog = Spill });
        node.Decide("read", DecisionLogTests.Numbered(0));
        await Eventually.Holds(() => test.Plane.Decisions.Count == 1);
        await node.DisposeAsync();
        Assert.NotEmpty(Files());

        test.Plane.Intercept = null;
        await using var next = await test.ServingAsync(bundle, test.Options with { DecisionLog = Spill });
        await Eventually.Holds(() => Files().Length == 0);
        Assert.Single(test.Plane.Decisions);
    }

    [Fact]
    public async Task A_folder_that_is_full_is_no_reason_to_deny_and_what_found_no_room_is_told()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = Spill with { QueueBytesMax = 256 * 1024, SpillBytesMax = 512 * 1024 };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        test.Plane.Intercept = DecisionLogTests.Away;

        var made = 0;
        while (node.Status.DecisionLog!.Lost < 10)
        {
            Assert.True(node.Decide("read", DecisionLogTests.Numbered(made++)).Allowed);
        }

        Assert.True(Files().Sum(file => new FileInfo(file).Length) <= log.SpillBytesMax);
        test.Plane.Intercept = null;
        await Eventually.Holds(() => DecisionLogTests.Lines(test).Sum(line => line.Lost > 0 ? line.Lost : 1) == made);
    }

    [Fact]
    public async Task A_stop_that_loses_nothing_tells_of_no_loss()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using (var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = Spill }))
        {
            node.Decide("read", NodeUnderTest.Nothing);
            await Eventually.Holds(() => test.Plane.Decisions.Count == 1);
        }

        Assert.DoesNotContain(test.Events, e => e.Code == "decision_log.lost");
    }

    [Fact]
    public async Task A_file_with_no_whole_line_is_passed_over()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var folder = Directory.CreateDirectory(Path.Combine(_folder, FakeControlPlane.Fleet, "n-1")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "000000000000-killed.ndjson"), "{\"at\":\"20", TestContext.Current.CancellationToken);
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = Spill });

        node.Decide("read", NodeUnderTest.Nothing);
        await Eventually.Holds(() => test.Plane.Decisions.Count == 1 && Files().Length == 0);

        Assert.Equal(1, test.Plane.Count("/decisions"));
        Assert.True(node.Status.DecisionLog is { Delivered: 1, Lost: 0, WaitingBytes: 0, Trouble: null });
    }

    [Fact]
    public async Task A_file_that_somebody_took_away_holds_up_none_of_those_after_it()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Intercept = DecisionLogTests.Away;
        var bundle = test.Publish("1.0.0");
        var folder = Directory.CreateDirectory(Path.Combine(_folder, FakeControlPlane.Fleet, "n-1")).FullName;
        foreach (var name in (string[])["000000000000-sent", "000000000001-taken", "000000000002-left"])
        {
            await File.WriteAllTextAsync(Path.Combine(folder, name + ".ndjson"), $$"""{"capability_id":"{{name}}"}""" + "\n", TestContext.Current.CancellationToken);
        }

        await using var node = await test.ServingAsync(bundle, test.Options with { DecisionLog = Spill });
        await Eventually.Holds(() => test.Plane.Count("/decisions") > 0);
        File.Delete(Path.Combine(folder, "000000000001-taken.ndjson"));
        test.Plane.Intercept = null;

        await Eventually.Holds(() => test.Plane.Batches.Contains("000000000002-left") && node.Status.DecisionLog is { WaitingBytes: 0 });
        Assert.DoesNotContain("000000000001-taken", test.Plane.Batches);
        Assert.DoesNotContain(test.Events, e => e.Code == "decision_log.failed");
    }

    [Fact]
    public async Task What_was_asked_is_for_its_owner_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no such modes.");
            return;
        }

        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Intercept = DecisionLogTests.Away;
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = Spill });
        node.Decide("read", NodeUnderTest.Nothing);
        await Eventually.Holds(() => Files().Length > 0);

        foreach (var file in Files())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task Two_processes_never_share_a_folder()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = Spill });

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(test.Options with { DecisionLog = Spill }));

        Assert.Contains("spill folder", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_is_killed_loses_nothing_that_it_answered_a_moment_ago()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        test.Plane.Demand(bundle);
        test.Plane.Intercept = DecisionLogTests.Away;
        var root = Path.Combine(_folder, "root.json");
        await File.WriteAllBytesAsync(root, JsonSerializer.SerializeToUtf8Bytes(test.Bundles.Root, PolicyJson.Options));
        const int Made = 200;

        using (var process = StartAgent(test, root))
        {
            for (var n = 0; n < Made; n++)
            {
                await process.StandardInput.WriteLineAsync($$"""{"capability_id":"read","context":{"n":{{n}} } }""");
                Assert.NotNull(await process.StandardOutput.ReadLineAsync());
            }

            // What it wrote is on its way to the disk: it needs no more than a moment, and never the control plane.
            await Eventually.Holds(() => Files().Sum(file => File.ReadAllLines(file).Length) == Made);
            process.Kill();
            await process.WaitForExitAsync();
        }

        Assert.Empty(test.Plane.Decisions);
        test.Plane.Intercept = null;
        await using var next = await PolicyNode.StartAsync(test.Options with { DecisionLog = Spill });
        await Eventually.Holds(() => test.Plane.Decisions.Count == Made);
        Assert.Equal(Enumerable.Range(0, Made), Numbers(test));
    }

    private Process StartAgent(NodeUnderTest test, string root)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])
        [
            Path.Combine(AppContext.BaseDirectory, "policyctl.dll"), "node", "run", "n-1", "--fleet", FakeControlPlane.Fleet, "--server", test.Plane.Address.ToString(),
            "--key", "node-key", "--trust", root, "--decision-log", "spill", "--decision-log-folder", _folder, "--json",
        ])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return process;
    }

    private string[] Files() => Directory.Exists(Path.Combine(_folder, FakeControlPlane.Fleet))
        ? [.. Directory.GetFiles(Path.Combine(_folder, FakeControlPlane.Fleet, "n-1"), "*.ndjson").Order(StringComparer.Ordinal)]
        : [];

    private static IEnumerable<int> Numbers(NodeUnderTest test) =>
        DecisionLogTests.Records(test).Select(record => record.Context!.Value.GetProperty("n").GetInt32());
}
