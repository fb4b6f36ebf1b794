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

        var records = File.ReadAllLines(Current).Select(line => DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Value!).ToList();
        Assert.Equal([0, 1], records.Select(record => record.Context!.Value.GetProperty("n").GetInt32()));
        Assert.Empty(test.Plane.Decisions);
    }

    [Fact]
    public async Task Files_are_bounded_in_size_and_number()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = ToFiles with { FileBytesMax = 64 * 1024, FilesMax = 3 };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });

        for (var round = 0; round < 12; round++)
        {
            for (var n = 0; n < 50; n++)
            {
                node.Decide("read", DecisionLogTests.Numbered(n));
            }

            await Eventually.Holds(() => node.Status.DecisionLog!.WaitingBytes == 0 && node.Status.DecisionLog.Delivered == (round + 1) * 50);
        }

        var files = Directory.GetFiles(_folder);
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.InRange(new FileInfo(file).Length, 1, 64 * 1024));
        Assert.All(files.SelectMany(File.ReadAllLines), line => Assert.True(DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Succeeded));
    }
}
