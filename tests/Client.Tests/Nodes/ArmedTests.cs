namespace OrleansPolicy.Client.Tests.Nodes;

public sealed class ArmedTests
{
    [Fact]
    public async Task A_disarmed_node_denies_the_next_decision_says_so_and_serves_again_when_armed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(bundle);
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);

        test.Plane.Change(directive => directive with { Armed = false, ArmEpoch = 7 });
        await Eventually.Holds(() => node.Status.Refusal == "decide.disarmed");

        var denied = node.Decide("read", NodeUnderTest.Nothing);
        Assert.Equal((false, false, "decide.disarmed"), (denied.Allowed, denied.Served, denied.Decision.Reason));
        await Eventually.Holds(() => test.Plane.Reports.Any(report => report is { ArmEpoch: 7, Armed: false }));
        Assert.Contains(test.Events, happened => happened is { Kind: NodeEventKind.Armed, Code: "node.disarmed" });

        test.Plane.Change(directive => directive with { Armed = true, ArmEpoch = 8 });
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
        await Eventually.Holds(() => test.Plane.Reports.Any(report => report is { ArmEpoch: 8, Armed: true }));
    }

    [Fact]
    public async Task An_older_word_about_arming_is_not_obeyed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        test.Plane.Change(directive => directive with { Armed = false, ArmEpoch = 7 });
        await Eventually.Holds(() => node.Status.Refusal == "decide.disarmed");

        // A silo that lags, or a database from before.
        test.Plane.Change(directive => directive with { Armed = true, ArmEpoch = 6 });
        var heard = test.Plane.Reports.Count;
        await Eventually.Holds(() => test.Plane.Reports.Count > heard + 2);

        Assert.Equal("decide.disarmed", node.Status.Refusal);
    }

    [Fact]
    public async Task A_node_that_starts_anew_serves_nothing_before_it_hears_that_it_may()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var folder = new KeptFolder();
        var bundle = test.Publish("1.0.0");
        var options = test.Options with { StateFolder = folder.Path };
        test.Plane.Change(directive => directive with { Armed = true, ArmEpoch = 7, LeaseSec = null });
        await using (await test.ServingAsync(bundle, options))
        {
            await Eventually.Holds(() => Directory.EnumerateFiles(folder.Path).Any());
        }

        // Leases are off and the bundle is kept, but somebody may have disarmed it meanwhile.
        test.Plane.Intercept = async http =>
        {
            http.Response.StatusCode = 503;
            await http.Response.CompleteAsync();
            return true;
        };
        await using var again = await PolicyNode.StartAsync(options);
        Assert.Equal("decide.disarmed", again.Decide("read", NodeUnderTest.Nothing).Decision.Reason);

        test.Plane.Intercept = null;
        await Eventually.Holds(() => again.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task What_it_refuses_is_told_once_counted_by_reason_with_both_hashes()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var bundle = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(bundle);
        test.Plane.Change(directive => directive with { Armed = false, ArmEpoch = 7, ReportIntervalSec = 0.2 });
        await Eventually.Holds(() => node.Status.Refusal == "decide.disarmed");

        for (var i = 0; i < 1_000; i++)
        {
            node.Decide("read", NodeUnderTest.Nothing);
        }

        await Eventually.Holds(() => test.Plane.Reports.Sum(report => report.Rejections.Sum(rejected => rejected.Count)) == 1_000);
        var told = test.Plane.Reports.SelectMany(report => report.Rejections).ToList();
        Assert.All(told, rejected => Assert.Equal(("decide.disarmed", bundle.Hash, bundle.Hash), (rejected.Reason, rejected.ExpectedHash, rejected.GotHash)));
        Assert.True(told.Count < 100, $"{told.Count} reports for one second of refusals.");
        Assert.Equal(1_000, node.Status.Refused);
    }

    private sealed class KeptFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("kept").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
