using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review;

/// <summary>What came of a bundle's decision tests.</summary>
/// <param name="Passed">How many came out as expected.</param>
/// <param name="Failures">The others, in the order of the file.</param>
/// <param name="Coverage">Which rules decided.</param>
public sealed record DecisionTestRun(int Passed, ImmutableArray<DecisionTestFailure> Failures, RuleCoverage Coverage)
{
    /// <summary>
    /// Lets a bundle decide. <c>decision_test.now_missing</c>: its rules look at the time, and a test does not say when it is; an
    /// outcome that hangs on when the tests are run is none.
    /// </summary>
    public static Outcome<DecisionTestRun> Of(Bundle bundle, ImmutableArray<DecisionTest> tests)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        var rules = RuleSet.Compile(bundle);
        if (!rules.Succeeded)
        {
            return rules.As<DecisionTestRun>();
        }

        var looksAtTime = bundle.Rules.Any(r => r.Enabled && ConditionWalk.Within(r).Any(c => c is TimeWindowCondition));
        if (looksAtTime && tests.FirstOrDefault(t => t.Now is null) is { } timeless)
        {
            return Outcome<DecisionTestRun>.Fail(
                "decision_test.now_missing", "The bundle has time windows: give now, for the file or for each decision.", $"$.decisions[{timeless.Position}]");
        }

        var failures = ImmutableArray.CreateBuilder<DecisionTestFailure>();
        var decided = new List<Decision>(tests.Length);
        foreach (var test in tests)
        {
            var request = new ReviewRequest(test.CapabilityId, test.Context, test.Now ?? DateTimeOffset.UnixEpoch);
            var decision = rules.Value.Decide(request.ToDecisionRequest());
            decided.Add(decision);
            var differences = Differences(test.Expected, decision);
            if (!differences.IsEmpty)
            {
                failures.Add(new DecisionTestFailure(test.Position, test.Name, request, decision, differences));
            }
        }

        return Outcome<DecisionTestRun>.Ok(new DecisionTestRun(
            tests.Length - failures.Count, failures.ToImmutable(), RuleCoverage.Of(bundle, decided)));
    }

    private static ImmutableArray<ExpectedDifference> Differences(JsonElement expected, Decision decision)
    {
        var got = JsonSerializer.SerializeToElement(decision, PolicyJson.Options);
        return [.. expected.EnumerateObject()
            .Where(field => !JsonElement.DeepEquals(field.Value, got.GetProperty(field.Name)))
            .Select(field => new ExpectedDifference(field.Name, field.Value, got.GetProperty(field.Name)))];
    }
}

/// <summary>A decision that came out otherwise.</summary>
/// <param name="Position">The test's place in its file, from 0.</param>
/// <param name="Name">What it shows, where the file says.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Decision">What was decided.</param>
/// <param name="Differences">The fields that differ; at least one.</param>
public sealed record DecisionTestFailure(
    int Position, string? Name, ReviewRequest Request, Decision Decision, ImmutableArray<ExpectedDifference> Differences);

/// <summary>A field of a decision that is not as expected.</summary>
/// <param name="Field">Its name.</param>
/// <param name="Expected">What the file says.</param>
/// <param name="Got">What was decided.</param>
public sealed record ExpectedDifference(string Field, JsonElement Expected, JsonElement Got);
