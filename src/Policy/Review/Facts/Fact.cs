using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Facts;

/// <summary>What is known about a request: one condition that holds no others came out like this.</summary>
internal sealed record Fact(Condition Leaf, Truth Outcome)
{
    /// <summary>The operator, where the leaf is one at a path; leaves have one.</summary>
    public ValueTest? Test => Leaf is PathCondition { Tests: [var test] } ? test : null;
}
