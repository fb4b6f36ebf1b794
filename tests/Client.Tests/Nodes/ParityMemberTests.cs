using OrleansPolicy.Parity;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>An agent in a parity group: what it serves in each phase, and what it says.</summary>
public sealed class ParityMemberTests : IDisposable
{
    private static readonly GroupDirective Group = new("pair", "default", 1, ParityPhase.Commit);
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("policy-state-").FullName, "state");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);

    [Fact]
    public async Task It_serves_the_old_bundle_until_it_is_told_to_deny_and_the_new_one_once_that_is_committed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        Tell(test, ParityPhase.Commit);
        await using var node = await test.ServingAsync(one, test.Options with { ParityGroup = "pair", Role = "brain" });

        test.Plane.Change(d => d with { Epoch = 2, PolicyHash = two.Hash, Version = "2.0.0", FallbackHash = one.Hash, Group = Group with { Phase = ParityPhase.Prepare } });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Group: { Epoch: 2, Prepared: true, Quiet: false }, Epoch: 1, Ack: true });
        Assert.Equal(one.Hash, node.Decide("read", NodeUnderTest.Nothing).PolicyHash);

        test.Plane.Change(d => d with { FallbackHash = null, Group = Group with { Phase = ParityPhase.Quiesce } });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Group: { Epoch: 2, Prepared: true, Quiet: true }, PolicyHash: var hash } && hash == one.Hash);
        Assert.Equal("decide.parity_switch", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);

        // Somebody who lags says again what was before: it stays quiet.
        test.Plane.Change(d => d with { FallbackHash = one.Hash, Group = Group with { Phase = ParityPhase.Prepare } });
        var heard = test.Plane.Count("/directive");
        await Eventually.Holds(() => test.Plane.Count("/directive") > heard + 1);
        Assert.Equal((ParityPhase.Quiesce, "decide.parity_switch"), (node.Status.Group!.Phase, node.Status.Refusal));

        Tell(test, ParityPhase.Commit);
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).PolicyHash == two.Hash);
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Epoch: 2, Ack: true, Group.Quiet: false });
    }

    [Fact]
    public async Task What_it_cannot_load_it_refuses_and_what_is_taken_back_it_does_not_serve()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        Tell(test, ParityPhase.Commit);
        var one = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(one, test.Options with { ParityGroup = "pair" });

        var missing = test.Bundles.Make("2.0.0");
        test.Plane.Change(d => d with { Epoch = 2, PolicyHash = missing.Hash, FallbackHash = one.Hash, Group = Group with { Phase = ParityPhase.Prepare } });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Ack: false, Epoch: 2, Group: { Prepared: false, Quiet: false } });
        Assert.Equal(one.Hash, node.Decide("read", NodeUnderTest.Nothing).PolicyHash);

        test.Plane.Change(d => d with { Epoch = 3, FallbackHash = null });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Group: { Epoch: 3, Quiet: true } });
        Assert.Equal("decide.parity_switch", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_it_kept_on_disk_it_serves_only_after_it_heard_that_its_group_still_runs_it(bool wasMember)
    {
        await using var test = await NodeUnderTest.CreateAsync();
        test.Plane.Change(d => d with { LeaseSec = null, Group = wasMember ? Group : null });
        var one = test.Publish("1.0.0");
        var options = test.Options with { StateFolder = _folder };
        await (await test.ServingAsync(one, wasMember ? options with { ParityGroup = "pair" } : options)).DisposeAsync();
        test.Plane.Intercept = async http =>
        {
            http.Response.StatusCode = 503;
            await http.Response.CompleteAsync();
            return true;
        };

        await using var node = await PolicyNode.StartAsync(options with { ParityGroup = "pair" });
        Assert.Equal((one.Hash, "decide.parity"), (node.Status.PolicyHash, node.Decide("read", NodeUnderTest.Nothing).Decision.Reason));

        Tell(test, ParityPhase.Commit);
        test.Plane.Intercept = null;
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing).Allowed);
    }

    [Fact]
    public async Task While_a_cap_has_no_room_for_it_it_gets_ready_denies_and_says_that_it_runs_nothing()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (one, two) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(one, test.Options with { ParityGroup = "pair" });

        // It served alone, and its group is on its way: it is as quiet as its phase makes it, and no more.
        test.Plane.Change(d => d with { Epoch = 2, PolicyHash = two.Hash, Version = "2.0.0", FallbackHash = one.Hash, Group = Group with { Phase = ParityPhase.Prepare, OverCap = true } });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Group: { Epoch: 2, Prepared: true, Quiet: false }, PolicyHash: null });
        Assert.Equal("decide.parity", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);

        test.Plane.Change(d => d with { FallbackHash = null, Group = Group with { OverCap = true } });
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault() is { Group: { Epoch: 2, Quiet: false }, PolicyHash: null, Epoch: 2, Ack: true });
        Assert.Equal("decide.parity", node.Decide("read", NodeUnderTest.Nothing).Decision.Reason);
        Assert.True(node.Status.Group!.OverCap);

        Tell(test, ParityPhase.Commit);
        await Eventually.Holds(() => node.Decide("read", NodeUnderTest.Nothing) is { Allowed: true } decided && decided.PolicyHash == two.Hash);
        await Eventually.Holds(() => test.Plane.Reports.LastOrDefault()?.PolicyHash == two.Hash);
    }

    [Fact]
    public async Task A_file_leads_no_group()
    {
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(new PolicyNodeOptions { BundleFile = "bundle.json", ParityGroup = "pair" }));

        Assert.Contains("parity group", refused.Message, StringComparison.Ordinal);
    }

    private static void Tell(NodeUnderTest test, ParityPhase phase) => test.Plane.Change(d => d with { FallbackHash = null, Group = Group with { Phase = phase } });
}
