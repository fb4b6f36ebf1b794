using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Policy.Tests.Decisions;

/// <summary>The decisions that lie beside the example of an API gateway's policy.</summary>
public sealed class GatewayPolicyTests
{
    private static readonly JsonElement Cases = JsonElement.Parse(Repository.Read("examples/gateway-policy/decisions.json")).GetProperty("decisions");

    public static TheoryData<string, int> All()
    {
        var all = new TheoryData<string, int>();
        for (var i = 0; i < Cases.GetArrayLength(); i++)
        {
            all.Add("policy.json", i);
            all.Add("policy.v2.json", i);
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_policy_decides_as_the_file_beside_it_expects(string file, int index)
    {
        var given = Cases[index];
        var expected = file == "policy.v2.json" && given.TryGetProperty("expected_v2", out var v2) ? v2 : given.GetProperty("expected");
        var request = Request(given);

        var decision = Rules(file).Decide(request);

        Assert.Equal(expected.GetProperty("rule_id").GetString(), decision.RuleId);
        Assert.Equal(expected.GetProperty("allowed").GetBoolean(), decision.Allowed);
        Assert.Equal(expected.GetProperty("require_confirmation").GetBoolean(), decision.RequireConfirmation);
        Assert.Equal(expected.TryGetProperty("reason", out var reason) ? reason.GetString() : decision.Reason, decision.Reason);
        Assert.Equal(decision, Rules(file).Explain(request).Decision);
    }

    [Fact]
    public void The_example_is_as_large_as_it_claims_and_both_versions_are_well_formed_in_strict_mode()
    {
        var (v1, v2) = (Bundle("policy.json"), Bundle("policy.v2.json"));

        Assert.InRange(v1.Rules.Length, 150, 1_000);
        Assert.InRange(Cases.GetArrayLength(), 40, 1_000);
        Assert.Equal(("1.0.0", 1L, "1.1.0", 2L), (v1.Metadata.Version, v1.Metadata.Sequence, v2.Metadata.Version, v2.Metadata.Sequence));
        Assert.NotEqual(v1.PolicyHash, v2.PolicyHash);
    }

    internal static Bundle Bundle(string file)
    {
        var bundle = BundleReader.Read(Repository.Read("examples/gateway-policy/" + file), new BundleReadOptions { AllowUnsigned = true, Strict = true });
        Assert.True(bundle.Succeeded, string.Join('\n', bundle.Problems));
        return bundle.Value;
    }

    private static RuleSet Rules(string file) => RuleSet.Compile(Bundle(file)).Value!;

    private static DecisionRequest Request(JsonElement given) => new(
        given.GetProperty("capability_id").GetString()!,
        given.GetProperty("context"),
        DateTimeOffset.Parse(given.TryGetProperty("now", out var now) ? now.GetString()! : "2026-11-20T12:00:00Z", CultureInfo.InvariantCulture));
}
