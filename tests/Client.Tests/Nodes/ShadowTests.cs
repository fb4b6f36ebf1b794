using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Review;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>A node that evaluates a bundle beside the one in force.</summary>
public sealed class ShadowTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(0)]
    public async Task Decisions_are_made_twice_and_answered_under_the_bundle_in_force(int recentInputs)
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (old, @new) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(old, test.Options with { RecentInputs = recentInputs });
        await ShowAsync(test, node, @new);

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal((true, old.Hash), (node.Decide("read", NodeUnderTest.Nothing).Allowed, node.Decide("write", NodeUnderTest.Nothing) is { Allowed: false, PolicyHash: var hash } ? hash : null));
        }

        await Eventually.Holds(() => Words(test).Sum(word => word.Compared) == 200);
        Assert.Equal(100, Words(test).Sum(word => word.Changed));
        Assert.Equal(0, Words(test).Sum(word => word.Dropped));
        var changes = Words(test).SelectMany(word => word.Changes).ToList();
        Assert.Equal(100, changes.Where(change => change is { Kind: DecisionChangeKind.DenyToAllow, FromRule: null, ToRule: "write" }).Sum(change => change.Count));
        Assert.Equal(100, changes.Where(change => change is { Kind: DecisionChangeKind.AnswerOnly, FromRule: "read", ToRule: "read" }).Sum(change => change.Count));
        Assert.All(test.Plane.Reports, report => Assert.True(report.Ack && report.PolicyHash is null || report.PolicyHash == old.Hash));
        Assert.Equal(new ShadowStatus(@new.Hash, null, 200, 100, 0), node.Status.Shadow);
    }

    [Fact]
    public async Task A_shadow_that_is_withdrawn_is_evaluated_no_more_and_the_next_one_begins_at_nothing()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        await ShowAsync(test, node, test.Publish("2.0.0"));
        node.Decide("write", NodeUnderTest.Nothing);
        await Eventually.Holds(() => Words(test).Sum(word => word.Compared) == 1);

        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1, ShadowHash = null });
        await Eventually.Holds(() => node.Now.Shadow is null && node.Status.Shadow is null);
        node.Decide("write", NodeUnderTest.Nothing);

        var next = test.Publish("3.0.0");
        await ShowAsync(test, node, next);
        await Eventually.Holds(() => Words(test).Any(word => word.PolicyHash == next.Hash));
        Assert.Equal(0, node.Status.Shadow!.Compared);
    }

    [Fact]
    public async Task What_was_shown_is_at_hand_when_it_is_demanded()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var (old, @new) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        await using var node = await test.ServingAsync(old);
        await ShowAsync(test, node, @new);

        test.Plane.Change(directive => directive with { ShadowHash = null });
        test.Plane.Demand(@new, old);

        await Eventually.Holds(() => node.Status.PolicyHash == @new.Hash);
        Assert.Equal(1, test.Plane.Count(@new.Hash));
    }

    [Fact]
    public async Task A_shadow_that_cannot_be_loaded_is_refused_with_its_reason_and_nothing_else_changes()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        var old = test.Publish("1.0.0");
        await using var node = await test.ServingAsync(old);
        using var strangers = new SignedBundles("other-key");
        var forged = test.Plane.Store(strangers.Make("2.0.0"));

        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1, ShadowHash = forged.Hash });

        await Eventually.Holds(() => Words(test).Any(word => word.Error is not null));
        var report = test.Plane.Reports.Last(report => report.Shadow?.Error is not null);
        Assert.StartsWith("bundle.", report.Shadow!.Error, StringComparison.Ordinal);
        Assert.Equal((true, old.Hash), (report.Ack, report.PolicyHash));
        Assert.True(node.Decide("read", NodeUnderTest.Nothing).Allowed);
        Assert.Null(node.Now.Shadow);
        Assert.NotNull(node.Status.Shadow!.Error);
    }

    [Fact]
    public async Task What_the_application_would_not_take_is_refused_as_a_shadow_too()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(
            test.Publish("1.0.0"), test.Options with { Accept = candidate => candidate.Version == "2.0.0" ? "not this one" : null });

        var @new = test.Publish("2.0.0");
        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1, ShadowHash = @new.Hash });

        await Eventually.Holds(() => Words(test).Any(word => word.Error == "node.not_accepted: not this one"));
    }

    [Fact]
    public async Task A_control_plane_that_does_not_give_it_is_no_refusal()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        var @new = test.Publish("2.0.0");
        var asked = 0;
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.Contains(@new.Hash, StringComparison.Ordinal) || ++asked > 3)
            {
                return false;
            }

            await FakeControlPlane.Problem(503, "store.unavailable").ExecuteAsync(http);
            return true;
        };

        await ShowAsync(test, node, @new);

        Assert.True(asked > 3);
        Assert.DoesNotContain(Words(test), word => word.Error is not null);
    }

    [Fact]
    public async Task A_request_that_is_too_large_to_keep_is_counted_and_answered()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));
        await ShowAsync(test, node, test.Publish("2.0.0"));

        var large = JsonSerializer.SerializeToElement(new { text = new string('x', 70_000) });
        Assert.True(node.Decide("read", large).Allowed);

        await Eventually.Holds(() => Words(test).Sum(word => word.Dropped) == 1);
        Assert.Equal(0, node.Status.Shadow!.Compared);
    }

    [Fact]
    public void The_queue_is_bounded()
    {
        using var bundles = new SignedBundles();
        var bundle = OrleansPolicy.Bundles.BundleReader.Read(bundles.Make("2.0.0").Content, OrleansPolicy.Bundles.BundleReadOptions.Default).Value!;
        var run = new ShadowRun(new LoadedPolicy(new PreparedPolicy(bundle, RuleSet.Compile(bundle).Value!), 1, default), keeps: true);
        var decision = new Decision(false, false, "default-deny", null, null, null);

        for (var i = 0; i < ShadowRun.QueueMax + 5; i++)
        {
            run.Offer("write", NodeUnderTest.Nothing, DateTimeOffset.UnixEpoch, decision);
        }

        Assert.Equal((0, 5), (run.Read().Compared, run.Read().Dropped));
    }

    private static async Task ShowAsync(NodeUnderTest test, PolicyNode node, SignedBundle bundle)
    {
        test.Plane.Change(directive => directive with { Epoch = directive.Epoch + 1, ShadowHash = bundle.Hash });
        await Eventually.Holds(() => node.Now.Shadow?.PolicyHash == bundle.Hash);
    }

    private static IEnumerable<Fleets.ShadowWord> Words(NodeUnderTest test) => test.Plane.Reports.Select(report => report.Shadow).OfType<Fleets.ShadowWord>();
}
