using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class PreparedPolicyTests
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly TrustRoot Root = new() { Keys = [new TrustKey("k", "ECDSA-P256-SHA256", Key.ExportSubjectPublicKeyInfoPem())] };
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-06-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void A_signed_bundle_becomes_a_rule_set()
    {
        var prepared = PreparedPolicy.Prepare(Signed(), Root, new PreparationOptions { ValidAt = Now, HighestSequence = 7 });

        Assert.True(prepared.Succeeded);
        Assert.Equal(prepared.Value.Bundle.PolicyHash, prepared.Value.Rules.PolicyHash);
        Assert.True(prepared.Value.Rules.Decide(new DecisionRequest("read", default, Now)).Allowed);
    }

    [Fact]
    public void The_process_says_what_a_bundle_that_does_not_say_decides()
    {
        var prepared = PreparedPolicy.Prepare(Signed(), Root, new PreparationOptions { DefaultEffect = DefaultEffect.Allow });

        Assert.Equal("default-allow", prepared.Value!.Rules.Decide(new DecisionRequest("other", default, Now)).Reason);
    }

    [Fact]
    public void An_expired_bundle_is_refused_where_its_time_counts_and_taken_where_it_does_not()
    {
        var expired = Signed(""","expires_at":"2026-05-01T00:00:00Z" """);

        Assert.Equal("bundle.expired", PreparedPolicy.Prepare(expired, Root, new PreparationOptions { ValidAt = Now }).Problems[0].Code);
        Assert.True(PreparedPolicy.Prepare(expired, Root, new PreparationOptions()).Succeeded);
    }

    [Fact]
    public void A_sequence_below_the_highest_seen_is_refused_where_it_counts()
    {
        var second = Signed(""","sequence":2""");

        Assert.Equal("bundle.replayed", PreparedPolicy.Prepare(second, Root, new PreparationOptions { ValidAt = Now, HighestSequence = 3 }).Problems[0].Code);
        Assert.True(PreparedPolicy.Prepare(second, Root, new PreparationOptions { HighestSequence = 2 }).Succeeded);
    }

    [Fact]
    public void What_does_not_verify_is_refused_before_anything_else()
    {
        var bytes = Signed();
        bytes[Array.IndexOf(bytes, (byte)'T')] = (byte)' ';

        Assert.StartsWith("bundle.", PreparedPolicy.Prepare(bytes, Root, new PreparationOptions()).Problems[0].Code, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warm_up_decides_recent_inputs_and_made_up_ones_and_stays_within_its_bound()
    {
        var policy = PreparedPolicy.Prepare(Signed(), Root, new PreparationOptions()).Value!;
        var recent = Enumerable.Range(0, 1000).Select(i => new DecisionInput($"c{i}", JsonElement.Parse("{}"u8))).ToList();

        Assert.Equal(WarmUp.DecisionsMax, WarmUp.Run(policy, recent, Now));
        Assert.Equal(6, WarmUp.Run(policy, [], Now));
    }

    [Fact]
    public void A_warm_up_of_many_rules_makes_fewer_decisions()
    {
        var rules = string.Join(',', Enumerable.Range(0, 5_000).Select(i => $$$"""{"id":"r{{{i}}}","effect":"deny","match":{"path":"context.n","eq":{{{i}}} } }"""));
        var policy = PreparedPolicy.Prepare(Signed(rules: rules), Root, new PreparationOptions());

        Assert.True(policy.Succeeded, policy.Succeeded ? "" : policy.Problems[0].ToString());
        Assert.InRange(WarmUp.Run(policy.Value, [], Now), 1, 41);
    }

    private static byte[] Signed(string metadata = "", string? rules = null)
    {
        rules ??= """{"id":"read","effect":"allow","match":{"intent_prefix":"read"} },{"id":"any","effect":"deny","match":{"path":"context.x","eq":1}}""";
        var json = $$"""
            {"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"t","kind":"rules"{{metadata}} },"policies":[{{rules}}]}
            """;
        return BundleSigner.Sign(Encoding.UTF8.GetBytes(json), "k", Key);
    }
}
