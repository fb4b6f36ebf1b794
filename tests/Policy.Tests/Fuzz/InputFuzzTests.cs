using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;
using OrleansPolicy.Policy.Tests.Decisions;
using OrleansPolicy.Policy.Tests.Rollouts;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>What others send: contexts, plans, any JSON at all.</summary>
public sealed class InputFuzzTests
{
    [Fact]
    public void No_context_makes_reading_or_deciding_throw_and_no_error_allows()
    {
        var rules = RuleSet.Compile(GatewayPolicyTests.Bundle("policy.json"), DefaultEffect.Allow).Value!;
        var cases = JsonElement.Parse(Repository.Read("examples/gateway-policy/decisions.json")).GetProperty("decisions").EnumerateArray()
            .Select(d => (Capability: d.GetProperty("capability_id").GetString()!, Context: Encoding.UTF8.GetBytes(d.GetProperty("context").GetRawText()))).ToArray();
        var decided = 0;
        Mutants.Check([.. cases.Select(c => c.Context)], 10_000, mutant =>
        {
            // As bytes and as a parsed document: both or neither, and then the same decision.
            var (parsed, read) = (Parsed(mutant.Json), Read(mutant.Json));
            Assert.Equal(parsed is null, read is null);
            if (parsed is null || read is null)
            {
                return;
            }

            var request = new DecisionRequest(cases[mutant.Seed].Capability, read, DateTimeOffset.MaxValue);
            var decision = rules.Decide(request);
            Assert.False(decision.IsError && decision.Allowed);
            Assert.Equal(decision, rules.Explain(request).Decision);
            Assert.Equal(decision, rules.Decide(request with { Context = parsed.Value }));
            decided++;
        });
        Assert.True(decided > 2_000, $"{decided}");
    }

    [Fact]
    public void No_plan_makes_reading_it_throw()
    {
        var valid = 0;
        Mutants.Check([Encoding.UTF8.GetBytes(PlanReaderTests.Valid)], 5_000, mutant =>
        {
            if (Parsed(mutant.Json) is not { } plan)
            {
                return;
            }

            var reading = PlanReader.Read(plan, new PlanContext { ForStart = true, Critical = mutant.Json.Length % 2 == 0, Census = mutant.Json.Length % 3 == 0 ? [] : null });
            Assert.Equal(reading.Plan is null, reading.Errors.Length > 0);
            JsonSerializer.Serialize(reading, PolicyJson.Options);
            valid += reading.Valid ? 1 : 0;
        });
        Assert.True(valid > 100, $"{valid}");
    }

    [Fact]
    public void What_has_a_canonical_form_has_one_only()
    {
        var canonicalized = 0;
        byte[][] seeds = [SomeBundle.Native, """{"b":[1.5,-0,1e21,1e-7],"a":{"é":"\ud83d\ude00\n","":null},"\u20ac":"\u0000"}"""u8.ToArray()];
        Mutants.Check(seeds, 5_000, mutant =>
        {
            var outcome = CanonicalJson.TryCanonicalize(mutant.Json);
            if (!outcome.Succeeded)
            {
                Assert.StartsWith("json.", Assert.Single(outcome.Problems).Code, StringComparison.Ordinal);
                return;
            }

            Assert.Equal(outcome.Value, CanonicalJson.Canonicalize(outcome.Value));
            canonicalized++;
        });
        Assert.True(canonicalized > 1_000, $"{canonicalized}");
    }

    private static DecisionContext? Read(byte[] json)
    {
        try
        {
            return DecisionContext.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement? Parsed(byte[] json)
    {
        try
        {
            return JsonElement.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
