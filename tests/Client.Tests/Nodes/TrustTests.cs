using OrleansPolicy.Bundles;

namespace OrleansPolicy.Client.Tests.Nodes;

/// <summary>Which trust root an agent believes, whatever its control plane says.</summary>
public sealed class TrustTests
{
    [Fact]
    public async Task An_older_root_that_is_offered_as_the_next_is_not_followed()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var next = new SignedBundles("next-key");
        var (one, old) = (test.Publish("1.0.0"), test.Publish("2.0.0"));
        var second = Signed(new TrustRoot { Version = 2, Keys = next.Root.Keys }, test.Bundles, next);
        test.Plane.Roots[2] = second;
        test.Plane.Roots[3] = test.Bundles.Root;
        await using var node = await test.ServingAsync(test.Plane.Store(next.Make("1.5.0")));
        Assert.Equal(2, node.Status.TrustVersion);

        // The first root's key signs no longer, although the control plane offers its root again.
        test.Plane.Demand(old, fallback: one);
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("bundle.key_unknown", StringComparison.Ordinal) == true));
        Assert.Equal(2, node.Status.TrustVersion);
    }

    [Fact]
    public async Task A_chain_with_a_gap_is_followed_as_far_as_it_reaches()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var next = new SignedBundles("next-key");
        var root = new TrustRoot { Version = 3, Keys = [.. test.Bundles.Root.Keys, .. next.Root.Keys] };
        test.Plane.Roots[2] = Signed(root, test.Bundles, next);
        await using var node = await test.ServingAsync(test.Publish("1.0.0"));

        Assert.Equal(1, node.Status.TrustVersion);
    }

    [Fact]
    public async Task The_first_root_comes_from_the_network_only_where_that_is_asked_for_and_then_goes_forward_only()
    {
        await using var test = await NodeUnderTest.CreateAsync();
        using var strangers = new SignedBundles("stranger");
        var offered = test.Bundles.Root;
        test.Plane.Intercept = async http =>
        {
            if (!http.Request.Path.Value!.EndsWith("/trust", StringComparison.Ordinal))
            {
                return false;
            }

            await FakeControlPlane.Json(offered).ExecuteAsync(http);
            return true;
        };
        var untrusting = test.Options with { TrustRoot = null };
        await Assert.ThrowsAsync<ArgumentException>(() => PolicyNode.StartAsync(untrusting));
        Assert.Empty(test.Plane.Requests);

        await using var node = await test.ServingAsync(test.Publish("1.0.0"), untrusting with { TrustOnFirstUse = true });

        offered = strangers.Root;
        test.Plane.Roots[2] = TrustRoots.Sign(strangers.Root with { Version = 2 }, strangers.KeyId, strangers.Key);
        test.Plane.Demand(test.Plane.Store(strangers.Make("3.0.0")), fallback: test.Publish("2.0.0"));
        await Eventually.Holds(() => test.Plane.Reports.Any(r => r.Error?.StartsWith("bundle.key_unknown", StringComparison.Ordinal) == true));
        Assert.Equal(1, node.Status.TrustVersion);
    }

    private static TrustRoot Signed(TrustRoot root, params SignedBundles[] signers) =>
        signers.Aggregate(root, (signed, signer) => TrustRoots.Sign(signed, signer.KeyId, signer.Key));
}
