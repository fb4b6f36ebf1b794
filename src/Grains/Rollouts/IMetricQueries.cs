using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>
/// Answers of a metrics server that this process is configured with. They are brought in the background, so that nobody who looks at a
/// rollout waits for another server: what was not asked before is <see cref="QueryCodes.Pending"/> at first. A query is asked again and again
/// while somebody reads its answer, and no longer.
/// </summary>
public interface IMetricQueries
{
    /// <summary>The queries that criteria may name, without <see cref="MetricQuery.Prefix"/>.</summary>
    IReadOnlySet<string> Names { get; }

    /// <summary>What is known now of each query asked for, by the metric's whole name (<c>prom:NAME</c>). Never waits.</summary>
    ImmutableSortedDictionary<string, QueriedMetric> Read(ImmutableArray<MetricQuery> asked);
}

/// <summary>A process without a metrics server.</summary>
internal sealed class NoMetricQueries : IMetricQueries
{
    public IReadOnlySet<string> Names { get; } = ImmutableHashSet<string>.Empty;

    public ImmutableSortedDictionary<string, QueriedMetric> Read(ImmutableArray<MetricQuery> asked) =>
        asked.ToImmutableSortedDictionary(query => MetricQuery.Prefix + query.Name, _ => QueriedMetric.Without(QueryCodes.Unknown), StringComparer.Ordinal);
}
