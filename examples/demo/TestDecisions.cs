using System.Text.Json;
using OrleansPolicy.Client;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Demo;

/// <summary>The example's test decisions: requests, and what each version of the policy must decide about them.</summary>
internal sealed class TestDecisions
{
    /// <summary>What the example's file counts as now where a request names no time of its own.</summary>
    private static readonly DateTimeOffset DefaultNow = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly Case[] _cases;

    private TestDecisions(Case[] cases)
    {
        _cases = cases;
    }

    public int Count => _cases.Length;

    /// <summary>Those that a healthy service sends: without the ones that no rule can be evaluated on. They would count as errors, rightly.</summary>
    public TestDecisions Healthy() =>
        new([.. _cases.Where(test => test.Expected.Reason?.StartsWith("evaluation-error", StringComparison.Ordinal) != true)]);

    public static TestDecisions Read(string file)
    {
        var read = JsonSerializer.Deserialize<CaseFile>(File.ReadAllBytes(file), PolicyJson.Options)
            ?? throw new DemoFailureException($"{file} is empty.");
        return new TestDecisions(read.Decisions);
    }

    /// <summary>Lets a node decide one of them. Null: it decided what its version must; else what went wrong.</summary>
    public string? Check(PolicyNode node, int index, string v1Hash)
    {
        var test = _cases[index % _cases.Length];
        var decided = node.Decide(test.CapabilityId, test.Context, test.Now ?? DefaultNow);
        if (!decided.Served)
        {
            return $"{node.Name} refused: {decided.Decision.Reason}";
        }

        var expected = decided.PolicyHash == v1Hash ? test.Expected : test.ExpectedV2 ?? test.Expected;
        var decision = decided.Decision;
        return decision.Allowed == expected.Allowed && decision.RequireConfirmation == expected.RequireConfirmation && decision.RuleId == expected.RuleId
            ? null
            : $"{node.Name} under {decided.PolicyVersion} decided {test.CapabilityId} by {decision.RuleId ?? "no rule"}, expected {expected.RuleId ?? "no rule"}";
    }

    private sealed record CaseFile(Case[] Decisions);

    private sealed record Case(string CapabilityId, DecisionContext Context, Expectation Expected, Expectation? ExpectedV2, DateTimeOffset? Now);

    private sealed record Expectation(bool Allowed, bool RequireConfirmation, string? RuleId, string? Reason);
}
