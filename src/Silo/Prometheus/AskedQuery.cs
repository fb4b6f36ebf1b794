using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>A query that somebody reads, and what is known of its answer.</summary>
internal sealed class AskedQuery(MetricQuery query, QueryText text, long readAt)
{
    private static readonly TimeSpan EveryMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan EveryMax = TimeSpan.FromSeconds(5);

    // Like the looks of a rollout: a short contract hour must not end between two answers.
    private const int AnswersPerWindow = 20;

    private QueriedMetric _known = QueriedMetric.Without(QueryCodes.Pending);
    private long _readAt = readAt;

    public MetricQuery Query => query;

    public QueryText Text => text;

    /// <summary>How long after an answer it is asked again.</summary>
    public TimeSpan Every { get; } = query.Window / AnswersPerWindow is var part && part < EveryMin ? EveryMin : part > EveryMax ? EveryMax : part;

    /// <summary>What is known now.</summary>
    public QueriedMetric Known => Volatile.Read(ref _known);

    /// <summary>When somebody last read it, as the clock's timestamp.</summary>
    public long ReadAt
    {
        get => Volatile.Read(ref _readAt);
        set => Volatile.Write(ref _readAt, value);
    }

    /// <summary>
    /// Takes an answer. One without a number takes the last number's place: it says what is true now. Where there was none at all the last
    /// number stands until it is stale.
    /// </summary>
    public void Take(PrometheusAnswer answer, DateTimeOffset heardAt) => Volatile.Write(ref _known, answer switch
    {
        { Value: { } value, At: { } at } => new QueriedMetric(value, at < heardAt ? at : heardAt, heardAt, null),
        { Code: QueryCodes.Unavailable or QueryCodes.Failed } => Known with { Code = answer.Code },
        _ => QueriedMetric.Without(answer.Code ?? QueryCodes.Failed) with { HeardAt = heardAt },
    });
}
