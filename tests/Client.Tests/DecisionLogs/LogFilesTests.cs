using System.Text;
using OrleansPolicy.Client.Tests.Nodes;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.DecisionLogs;

public sealed class LogFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private DecisionLogOptions ToFiles => new() { Folder = _folder, BatchWait = TimeSpan.FromMilliseconds(20) };

    private string Current => Path.Combine(_folder, "decisions.ndjson");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_log_goes_to_a_file_of_JSON_lines_and_on_after_a_restart_that_left_half_a_line()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        var node = await test.ServingAsync(bundle, test.Options with { DecisionLog = ToFiles });
        node.Decide("read", DecisionLogTests.Numbered(0));
        await node.DisposeAsync();
        await File.AppendAllTextAsync(Current, "{\"at\":");

        await using var next = await test.ServingAsync(bundle, test.Options with { DecisionLog = ToFiles });
        next.Decide("read", DecisionLogTests.Numbered(1));
        await Eventually.Holds(() => next.Status.DecisionLog is { Delivered: 1 });

        Assert.Equal([0, 1], Read(Current).Select(record => record.Context!.Value.GetProperty("n").GetInt32()));
        Assert.Empty(test.Plane.Decisions);
    }

    [Fact]
    public async Task Who_comes_second_to_a_folder_waits_until_the_first_has_left_it()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        var first = await test.ServingAsync(bundle, test.Options with { DecisionLog = ToFiles });
        first.Decide("read", DecisionLogTests.Numbered(0));
        await Eventually.Holds(() => first.Status.DecisionLog is { Delivered: 1 });

        await using var second = await test.ServingAsync(bundle, test.Options with { Node = "n-2", DecisionLog = ToFiles });
        second.Decide("read", DecisionLogTests.Numbered(1));
        await Eventually.Holds(() => second.Status.DecisionLog is { Delivered: 0, Trouble: not null });
        first.Decide("read", DecisionLogTests.Numbered(2));
        await Eventually.Holds(() => first.Status.DecisionLog is { Delivered: 2 });
        await first.DisposeAsync();
        await Eventually.Holds(() => second.Status.DecisionLog is { Delivered: 1, Trouble: null });

        Assert.Equal([0, 2, 1], Read(Current).Select(record => record.Context!.Value.GetProperty("n").GetInt32()));
        Assert.Contains(test.Events, e => e is { Kind: NodeEventKind.Trouble, Code: "decision_log.unavailable" } && e.Text.Contains(_folder, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_that_a_clock_which_was_ahead_has_named_go_before_newer_ones()
    {
        string[] ahead = [Path.Combine(_folder, "decisions-29990101T000000.0000000Z.ndjson"), Path.Combine(_folder, "decisions-29990102T000000.0000000Z.ndjson")];
        foreach (var file in ahead)
        {
            await File.WriteAllTextAsync(file, "{}\n");
        }

        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await FillAsync(test, ToFiles with { FileBytesMax = 64 * 1024, FilesMax = 3 });

        Assert.DoesNotContain(ahead, File.Exists);
        Assert.Equal(3, Directory.GetFiles(_folder, "*.ndjson").Length);
    }

    [Fact]
    public async Task Files_are_bounded_in_size_and_number()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await FillAsync(test, ToFiles with { FileBytesMax = 64 * 1024, FilesMax = 3 });

        var files = Directory.GetFiles(_folder, "*.ndjson");
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.InRange(new FileInfo(file).Length, 1, 64 * 1024));
        Assert.All(files.SelectMany(File.ReadAllLines), line => Assert.True(DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Succeeded));
    }

    private static List<DecisionRecord> Read(string file) => [.. File.ReadAllLines(file).Select(line => DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Value!)];

    // A node with a log of several files' length.
    private static async Task<PolicyNode> FillAsync(NodeUnderTest test, DecisionLogOptions log)
    {
        var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        for (var round = 0; round < 12; round++)
        {
            for (var n = 0; n < 50; n++)
            {
                node.Decide("read", DecisionLogTests.Numbered(n));
            }

            await Eventually.Holds(() => node.Status.DecisionLog!.WaitingBytes == 0 && node.Status.DecisionLog.Delivered == (round + 1) * 50);
        }

        return node;
    }
}
