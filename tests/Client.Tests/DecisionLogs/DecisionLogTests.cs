using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Client.Tests.Nodes;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.Tests.DecisionLogs;

public sealed class DecisionLogTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task Every_decision_is_a_line_that_can_be_decided_again()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = new() { BatchWait = Soon } });

        node.Decide("read", JsonElement.Parse("""{"subject":{"id":"ann","tags":["a","ü\u0000\\"]}}"""));
        node.Decide("write", default);
        await Eventually.Holds(() => node.Status.DecisionLog is { Recorded: 2, Delivered: 2, Lost: 0, WaitingBytes: 0, Trouble: null });

        var records = Records(test);
        Assert.Equal(["read", "write"], records.Select(record => record.CapabilityId));
        Assert.All(records, record => Assert.Equal(("n-1", FakeControlPlane.Fleet, "1.0.0", node.Status.PolicyHash, 1L), (record.Node!, record.Fleet!, record.PolicyVersion!, record.PolicyHash, record.Epoch)));
        Assert.Equal((true, "read"), (records[0].Decision.Allowed, records[0].Decision.RuleId));
        Assert.Equal((false, "default-deny", ContextKept.Whole), (records[1].Decision.Allowed, records[1].Decision.Reason, records[1].ContextKept));
        Assert.Equal("ü\0\\", records[0].Context!.Value.GetProperty("subject").GetProperty("tags")[1].GetString());
        Assert.Null(records[1].Context);
    }

    [Fact]
    public async Task Refusals_are_logged_too_and_name_no_policy()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await PolicyNode.StartAsync(test.Options with { DecisionLog = new() { BatchWait = Soon } });

        node.Decide("read", NodeUnderTest.Nothing);
        await Eventually.Holds(() => test.Plane.Decisions.Count == 1);

        var record = Records(test).Single();
        Assert.StartsWith("decide.", record.Decision.Reason, StringComparison.Ordinal);
        Assert.Null(record.PolicyHash);
    }

    [Fact]
    public async Task What_must_not_be_known_is_dropped_or_hashed_before_it_leaves_the_process()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions
        {
            BatchWait = Soon,
            DropPaths = ["context.subject.token", "context.items.card"],
            HashPaths = ["context.subject.email"],
            HashSecret = "the same in all nodes",
        };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });

        node.Decide("read", JsonElement.Parse("""{"subject":{"token":"s3cret","email":"ann@example.org","id":7},"items":[{"card":"4111","n":1},{"n":2}],"token":"kept"}"""));
        node.Decide("read", JsonElement.Parse("""{"subject":{"email":"ann@\u0065xample.org"}}"""));
        await Eventually.Holds(() => test.Plane.Decisions.Count == 2);

        Assert.DoesNotContain("s3cret", string.Join('\n', test.Plane.Decisions), StringComparison.Ordinal);
        Assert.DoesNotContain("4111", string.Join('\n', test.Plane.Decisions), StringComparison.Ordinal);
        Assert.DoesNotContain("ann@", string.Join('\n', test.Plane.Decisions), StringComparison.Ordinal);
        var records = Records(test);
        var first = records[0].Context!.Value;
        Assert.Equal(ContextKept.Masked, records[0].ContextKept);
        Assert.Equal("""[{"n":1},{"n":2}]""", first.GetProperty("items").GetRawText());
        Assert.Equal("kept", first.GetProperty("token").GetString());
        Assert.Equal(7, first.GetProperty("subject").GetProperty("id").GetInt32());
        var hash = first.GetProperty("subject").GetProperty("email").GetString();
        Assert.StartsWith("hmac:", hash, StringComparison.Ordinal);
        Assert.Equal(hash, records[1].Context!.Value.GetProperty("subject").GetProperty("email").GetString());
    }

    [Fact]
    public async Task A_context_that_is_too_large_or_cannot_be_written_is_left_out_and_the_record_says_so()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = new() { BatchWait = Soon } });

        node.Decide("read", JsonElement.Parse($$"""{"large":"{{new string('x', DecisionLogOptions.RecordBytesMax)}}"}"""));
        node.Decide("read", JsonElement.Parse("""{"broken":"\ud800"}"""));
        node.Decide("read", Gone());
        node.Decide("\ud800", NodeUnderTest.Nothing);
        await Eventually.Holds(() => test.Plane.Decisions.Count == 4);

        var records = Records(test);
        Assert.All(records[..3], record => Assert.Equal((null, ContextKept.Dropped), (record.Context?.GetRawText(), record.ContextKept)));
        Assert.Equal((false, true), (records[2].Decision.Allowed, records[2].Decision.Reason.StartsWith("evaluation-error: context cannot be read", StringComparison.Ordinal)));
        Assert.Equal(["read", "read", "read", "\ufffd"], records.Select(record => record.CapabilityId));
    }

    [Fact]
    public async Task Drop_goes_on_deciding_and_the_log_says_how_many_are_missing_and_where()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions { QueueBytesMax = 256 * 1024, BatchWait = Soon };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        test.Plane.Intercept = Away;

        var made = 0;
        while (node.Status.DecisionLog!.Lost < 10)
        {
            Assert.True(node.Decide("read", Numbered(made++)).Allowed);
        }

        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Status.DecisionLog!.WaitingBytes == 0);
        node.Decide("read", Numbered(made++));
        await Eventually.Holds(() => Lines(test).Sum(line => line.Lost) + Lines(test).Count(line => line.Lost == 0) == made);

        // Whatever is there is in order, and each gap stands where it is.
        var at = 0;
        foreach (var (record, lost) in Lines(test))
        {
            if (lost > 0)
            {
                Assert.Equal(("decision_log.lost", "decide.log_lost"), (record.CapabilityId, record.Decision.Reason));
                at += lost;
            }
            else
            {
                Assert.Equal(at++, record.Context!.Value.GetProperty("n").GetInt32());
            }
        }

        Assert.Equal(node.Status.DecisionLog!.Lost, Lines(test).Sum(line => line.Lost));
        await Eventually.Holds(() => test.Plane.Reports.Sum(report => report.Metrics.GetValueOrDefault("decision_log_lost")?.Sum ?? 0) == node.Status.DecisionLog!.Lost);
        Assert.Contains(test.Events, e => e.Code == "decision_log.lost");
    }

    [Fact]
    public async Task Block_waits_for_room_and_then_lets_nothing_through_without_its_record()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions { Loss = DecisionLogLoss.Block, QueueBytesMax = 256 * 1024, BatchWait = Soon, BlockFor = TimeSpan.FromMilliseconds(50) };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        test.Plane.Intercept = Away;

        var allowed = 0;
        NodeDecision last;
        while ((last = node.Decide("read", Numbered(allowed))).Allowed)
        {
            allowed++;
        }

        Assert.Equal("decide.log_full", last.Decision.Reason);
        Assert.False(last.Served);

        // A decision that waits is made as soon as there is room.
        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Decide("read", Numbered(allowed)).Allowed);
        allowed++;
        await Eventually.Holds(() => Lines(test).Count(line => line.Lost == 0) == allowed);
        Assert.Equal(Enumerable.Range(0, allowed), Lines(test).Where(line => line.Lost == 0).Select(line => line.Record.Context!.Value.GetProperty("n").GetInt32()));
    }

    [Fact]
    public async Task Block_makes_a_decision_that_finds_no_room_wait_until_there_is_some()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions { Loss = DecisionLogLoss.Block, QueueBytesMax = 256 * 1024, BatchWait = Soon, BlockFor = TimeSpan.FromMinutes(2) };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        test.Plane.Intercept = Away;

        // Many times what fits into the queue, and faster than it is put away.
        const int Many = 10_000;
        var made = 0;
        var asking = Task.Run(() =>
        {
            while (made < Many && node.Decide("read", Numbered(made)).Allowed)
            {
                Interlocked.Increment(ref made);
            }
        });

        // The queue has room for more than these, whatever part of it was taken to be put away.
        await Eventually.Holds(() => asking.IsCompleted || Volatile.Read(ref made) > 200);
        test.Plane.Intercept = null;
        await asking;

        Assert.Equal(Many, made);
        Assert.Equal(0, node.Status.DecisionLog!.Lost);
    }

    [Fact]
    public async Task A_small_queue_is_put_away_before_it_is_full_however_long_records_may_wait_for_others()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions
        {
            Loss = DecisionLogLoss.Block,
            QueueBytesMax = 256 * 1024,
            BatchWait = TimeSpan.FromMinutes(10),
            BlockFor = TimeSpan.FromMinutes(1),
            FlushFor = TimeSpan.FromMinutes(1),
        };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });

        // Several times what fits into the queue.
        const int Many = 2_000;
        for (var n = 0; n < Many; n++)
        {
            Assert.Equal((n, true), (n, node.Decide("read", Numbered(n)).Allowed));
        }

        await node.DisposeAsync();
        Assert.True(node.Status.DecisionLog is { Delivered: Many, Lost: 0 });
    }

    [Fact]
    public async Task A_batch_whose_answer_was_lost_is_sent_again_under_its_own_id()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var lost = 0;
        test.Plane.Intercept = async http =>
        {
            if (!IsUpload(http) || Interlocked.Increment(ref lost) > 2)
            {
                return false;
            }

            await test.Plane.TakeDecisionsAsync(http);
            http.Abort();
            return true;
        };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = new() { BatchWait = Soon } });

        node.Decide("read", Numbered(0));
        await Eventually.Holds(() => node.Status.DecisionLog is { Delivered: 1, Trouble: null });

        Assert.True(lost > 2);
        Assert.Single(test.Plane.Decisions);
    }

    [Fact]
    public async Task A_batch_that_is_refused_for_good_becomes_a_gap_that_is_told()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var refuse = true;
        test.Plane.Intercept = async http =>
        {
            if (!IsUpload(http) || !refuse)
            {
                return false;
            }

            await FakeControlPlane.Problem(400, "decision_log.record").ExecuteAsync(http);
            return true;
        };
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = new() { BatchWait = Soon } });

        node.Decide("read", Numbered(0));
        await Eventually.Holds(() => node.Status.DecisionLog!.Lost == 1);
        refuse = false;
        node.Decide("read", Numbered(1));
        await Eventually.Holds(() => test.Plane.Decisions.Count == 2);

        Assert.Equal([1, 0], Lines(test).Select(line => line.Lost));
    }

    [Fact]
    public async Task A_node_that_stops_puts_away_what_it_has_and_says_what_it_could_not()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var log = new DecisionLogOptions { BatchWait = TimeSpan.FromMinutes(1), FlushFor = TimeSpan.FromMilliseconds(200) };
        var node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        node.Decide("read", Numbered(0));
        await node.DisposeAsync();
        Assert.Single(test.Plane.Decisions);

        node = await test.ServingAsync(test.Publish("1.0.0"), test.Options with { DecisionLog = log });
        node.Decide("read", Numbered(1));
        test.Plane.Intercept = http => IsUpload(http) ? Away(http) : Task.FromResult(false);
        await node.DisposeAsync();
        Assert.Contains(test.Events, e => e.Code == "decision_log.lost" && e.Text.Contains("1 records", StringComparison.Ordinal));
        Assert.Equal(1, node.Status.DecisionLog!.Lost);

        // It denies from now on, and goes on counting.
        Assert.Equal("decide.stale", node.Decide("read", Numbered(2)).Decision.Reason);
        Assert.Equal(2, node.Status.DecisionLog!.Lost);
    }

    [Fact]
    public async Task Options_that_do_not_fit_are_refused_at_the_start()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        foreach (var log in new DecisionLogOptions[]
        {
            new() { QueueBytesMax = 1 },
            new() { BatchWait = TimeSpan.Zero },
            new() { Loss = DecisionLogLoss.Spill },
            new() { SpillFolder = "spill" },
            new() { Loss = DecisionLogLoss.Spill, SpillFolder = "spill", Folder = "log" },
            new() { Loss = DecisionLogLoss.Spill, SpillFolder = "spill", SpillBytesMax = 1 },
            new() { DropPaths = ["subject.token"] },
            new() { HashPaths = ["context..token"] },
            new() { Folder = "/proc/nowhere" },
        })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(test.Options with { DecisionLog = log }));
        }
    }

    /// <summary>Of a document that was disposed.</summary>
    private static JsonElement Gone()
    {
        using var document = JsonDocument.Parse("{}");
        return document.RootElement;
    }

    internal static JsonElement Numbered(int n) => JsonElement.Parse(Encoding.UTF8.GetBytes($$"""{"n":{{n}},"filler":"{{new string('x', 500)}}"}"""));

    internal static List<DecisionRecord> Records(NodeUnderTest test) => [.. test.Plane.Decisions.Select(line => DecisionRecord.Read(Encoding.UTF8.GetBytes(line)).Value!)];

    /// <summary>With how many records a line says are missing.</summary>
    internal static List<(DecisionRecord Record, int Lost)> Lines(NodeUnderTest test) => [.. test.Plane.Decisions.Zip(Records(test)).Select(line => (
        line.Second, JsonElement.Parse(Encoding.UTF8.GetBytes(line.First)).TryGetProperty("lost", out var lost) ? lost.GetProperty("count").GetInt32() : 0))];

    internal static bool IsUpload(HttpContext http) => http.Request.Path.Value!.EndsWith("/decisions", StringComparison.Ordinal);

    internal static async Task<bool> Away(HttpContext http)
    {
        if (!IsUpload(http))
        {
            return false;
        }

        await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
        return true;
    }

}
