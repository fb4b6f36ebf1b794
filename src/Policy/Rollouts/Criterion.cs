using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>A success criterion or a rollback trigger that a program can evaluate. Made by <see cref="CriterionParser"/>.</summary>
public abstract record Criterion
{
    private Criterion()
    {
    }

    /// <summary>A metric held against a number.</summary>
    /// <param name="Metric">The metric's name in the nodes' reports.</param>
    /// <param name="Operator">How.</param>
    /// <param name="Limit">The number, in the metric's own unit.</param>
    public sealed record Comparison(string Metric, ComparisonOperator Operator, double Limit) : Criterion
    {
        /// <summary>Whether a measured value meets it.</summary>
        public bool IsMetBy(double measured) => Operator switch
        {
            ComparisonOperator.Less => measured < Limit,
            ComparisonOperator.LessOrEqual => measured <= Limit,
            ComparisonOperator.Greater => measured > Limit,
            ComparisonOperator.GreaterOrEqual => measured >= Limit,
            ComparisonOperator.Equal => measured.Equals(Limit),
            ComparisonOperator.NotEqual => !measured.Equals(Limit),
            _ => throw new InvariantViolationException($"The operator {Operator} is not one of the six."),
        };
    }

    /// <summary>All of them.</summary>
    public sealed record All(ImmutableArray<Criterion> Parts) : Criterion;

    /// <summary>At least one of them.</summary>
    public sealed record Any(ImmutableArray<Criterion> Parts) : Criterion;

    /// <summary>Not it.</summary>
    public sealed record Not(Criterion Part) : Criterion;
}

/// <summary>How a metric is held against a number.</summary>
public enum ComparisonOperator
{
    /// <summary><c>&lt;</c></summary>
    Less,

    /// <summary><c>&lt;=</c></summary>
    LessOrEqual,

    /// <summary><c>&gt;</c></summary>
    Greater,

    /// <summary><c>&gt;=</c></summary>
    GreaterOrEqual,

    /// <summary><c>==</c></summary>
    Equal,

    /// <summary><c>!=</c></summary>
    NotEqual,
}

/// <summary>What a text turned out to be: a criterion that a program can evaluate, or one for a person.</summary>
/// <param name="Criterion">The criterion; null: a manual one.</param>
/// <param name="Column">Where it does not parse, from 1; 0 where it does.</param>
/// <param name="Error">Why not, as a sentence.</param>
public sealed record CriterionReading(Criterion? Criterion, int Column = 0, string? Error = null)
{
    /// <summary>Whether a person must attest it.</summary>
    public bool IsManual => Criterion is null;
}
