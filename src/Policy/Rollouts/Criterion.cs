using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>A success criterion or a rollback trigger that a program can evaluate. Made by <see cref="CriterionParser"/>.</summary>
public abstract record Criterion
{
    private Criterion()
    {
    }

    /// <summary>A metric held against a number, or against what the nodes outside the cohort measure.</summary>
    /// <param name="Metric">The metric's name in the nodes' reports, or <see cref="MetricQuery.Prefix"/> and a configured query's.</param>
    /// <param name="Operator">How.</param>
    /// <param name="Limit">The number, in the metric's own unit; with <see cref="Baseline"/> its factor.</param>
    public sealed record Comparison(string Metric, ComparisonOperator Operator, double Limit) : Criterion
    {
        /// <summary>Which percentile of the metric's histogram, above 0 and below 100; null: its mean.</summary>
        public double? Percentile { get; init; }

        /// <summary>How far it looks back, in contract time; null: over the trailing observation window.</summary>
        public TimeSpan? Over { get; init; }

        /// <summary>Whether the limit is <see cref="Limit"/> times the baseline.</summary>
        public bool Baseline { get; init; }

        /// <summary>The configured query whose answer it is about; null: what nodes report.</summary>
        public string? Query => MetricQuery.NameIn(Metric);

        /// <summary>Whether it asks for a value that is not too high: then the bad side is above.</summary>
        public bool IsUpperLimit => Operator is ComparisonOperator.Less or ComparisonOperator.LessOrEqual;

        /// <summary>Whether a measured value meets <see cref="Limit"/>.</summary>
        public bool IsMetBy(double measured) => IsMetBy(measured, Limit);

        /// <summary>Whether a measured value meets a limit.</summary>
        public bool IsMetBy(double measured, double limit) => Operator switch
        {
            ComparisonOperator.Less => measured < limit,
            ComparisonOperator.LessOrEqual => measured <= limit,
            ComparisonOperator.Greater => measured > limit,
            ComparisonOperator.GreaterOrEqual => measured >= limit,
            ComparisonOperator.Equal => measured.Equals(limit),
            ComparisonOperator.NotEqual => !measured.Equals(limit),
            _ => throw new InvariantViolationException($"The operator {Operator} is not one of the six."),
        };
    }

    /// <summary>All of them.</summary>
    public sealed record All(ImmutableArray<Criterion> Parts) : Criterion;

    /// <summary>At least one of them.</summary>
    public sealed record Any(ImmutableArray<Criterion> Parts) : Criterion;

    /// <summary>Not it.</summary>
    public sealed record Not(Criterion Part) : Criterion;

    /// <summary>All comparisons in it, from left to right.</summary>
    public IEnumerable<Comparison> Comparisons() => this switch
    {
        Comparison comparison => [comparison],
        All all => all.Parts.SelectMany(part => part.Comparisons()),
        Any any => any.Parts.SelectMany(part => part.Comparisons()),
        Not not => not.Part.Comparisons(),
        _ => throw new InvariantViolationException($"{GetType().Name} is not one of the four kinds of criteria."),
    };
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

    /// <summary>The configured queries that it names, as far as it was read.</summary>
    public ImmutableArray<NamedQuery> Queries { get; init; } = [];
}

/// <summary>A configured query, where a criterion names it.</summary>
/// <param name="Name">Without <see cref="MetricQuery.Prefix"/>.</param>
/// <param name="Column">From 1.</param>
public readonly record struct NamedQuery(string Name, int Column);
