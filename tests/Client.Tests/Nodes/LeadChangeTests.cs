namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>A node that goes over from a file to a control plane, or back, with its name and its state folder.</summary>
public sealed class LeadChangeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("policy-lead-").FullName;

    private string BundleFile => Path.Combine(_folder, "bundle.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_node_that_was_led_by_a_file_obeys_its_control_plane_from_the_first_epoch_on()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        Write(test.Bundles.Make("1.0.0"));
        await using (var before = await PolicyNode.StartAsync(LedByFile(test)))
        {
            Write(test.Bundles.Make("2.0.0"));
            Assert.True((await before.ReloadAsync()).Success);
            Assert.Equal(("2.0.0", 2L), (before.Status.Version, before.Status.Epoch));
        }

        var three = test.Publish("3.0.0");
        await using var node = await test.ServingAsync(three, Led(test));
        Assert.Equal(1, node.Status.Epoch);
        Assert.NotNull(node.Status.LeaseLeft);
        await Eventually.Holds(() => test.Plane.Reports.Any(report => report is { Epoch: 1, Ack: true } && report.PolicyHash == three.Hash));
        Assert.DoesNotContain(test.Plane.Reports, report => report.Epoch > 1);
    }

    [Fact]
    public async Task A_node_that_was_led_by_a_control_plane_takes_its_file()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { ArmEpoch = 3 });
        await RunOnceAsync(test);

        Write(test.Bundles.Make("2.0.0"));
        await using var node = await PolicyNode.StartAsync(LedByFile(test));
        Assert.Equal(("2.0.0", 1L), (node.Status.Version, node.Status.Epoch));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true, Offline: false });
    }

    [Fact]
    public async Task What_was_seen_once_is_not_gone_behind_whoever_leads()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        Write(test.Bundles.Make("1.0.0", metadata: ",\"sequence\":9"));
        await using (await PolicyNode.StartAsync(LedByFile(test)))
        {
        }

        await RunOnceAsync(test);
        Write(test.Bundles.Make("2.0.0", metadata: ",\"sequence\":8"));
        await using var node = await PolicyNode.StartAsync(LedByFile(test));
        Assert.Equal("reload.sequence", node.Status.Reloads.History[0].Code);
        Assert.Equal("decide.no_policy", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    private PolicyNodeOptions Led(NodeUnderTest test) => test.Options with { StateFolder = Path.Combine(_folder, "state") };

    private PolicyNodeOptions LedByFile(NodeUnderTest test) => Led(test) with { BundleFile = BundleFile, BundleFileWatch = BundleFileWatch.None };

    private void Write(SignedBundle bundle) => File.WriteAllBytes(BundleFile, bundle.Content);

    private async Task RunOnceAsync(NodeUnderTest test)
    {
        await using var node = await test.ServingAsync(test.Publish("1.0.0"), Led(test));
    }
}
