using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// What a node counts. The counters only rise; a report carries the difference to what the control plane is known to have, so
/// that nothing is lost or counted twice however many reports fail.
/// </summary>
internal sealed class NodeMetrics(TimeProvider time)
{
    /// <summary>Names that the application may add: with the agent's own they fit into one report.</summary>
    public const int OwnNamesMax = ReportRules.MetricsMax - 16;

    private readonly Lock _ownLock = new();
    private ImmutableSortedDictionary<string, MetricValue> _own = ImmutableSortedDictionary<string, MetricValue>.Empty;
    private readonly RefusalCounts _refusals = new(time);
    private long _decisions;
    private long _denied;
    private long _errors;
    private long _ticks;
    private long _promotions;

    /// <summary>Decisions made by a bundle, since the start.</summary>
    public long Decisions => Interlocked.Read(ref _decisions);

    /// <summary>Requests refused because the node must not serve, since the start. They are no samples of any bundle.</summary>
    public long Refused => _refusals.Total;

    public void Decided(bool allowed, bool failed, long elapsedTicks)
    {
        // The total first, read last: a part is never larger than its total.
        Interlocked.Increment(ref _decisions);
        Interlocked.Add(ref _ticks, elapsedTicks);
        if (!allowed)
        {
            Interlocked.Increment(ref _denied);
        }

        if (failed)
        {
            Interlocked.Increment(ref _errors);
        }
    }

    /// <summary>Counts a refusal. True: it is worth an early report.</summary>
    public bool Refuse(Decision refusal, NodeSnapshot now) => _refusals.Add(refusal, now);

    /// <summary>What was refused between two readings, by reason.</summary>
    public ImmutableArray<RejectedDecisions> RejectedBetween(Totals before, Totals now) => _refusals.Between(before.RefusedBy, now.RefusedBy);

    /// <summary>A request that was decided on went wrong afterwards.</summary>
    public void Fail() => Interlocked.Increment(ref _errors);

    /// <summary>It became leader.</summary>
    public void Promoted() => Interlocked.Increment(ref _promotions);

    /// <summary>Adds an observation of the application's own. Refused: a number that no report may carry, a name too long or one too many.</summary>
    public bool Record(string name, double value)
    {
        if (!(Math.Abs(value) <= ReportRules.ValueMax) || name is not { Length: > 0 and <= ReportRules.NameLengthMax })
        {
            return false;
        }

        lock (_ownLock)
        {
            var before = _own.GetValueOrDefault(name);
            if (before is null && _own.Count >= OwnNamesMax)
            {
                return false;
            }

            _own = _own.SetItem(name, new MetricValue((before?.Count ?? 0) + 1, (before?.Sum ?? 0) + value));
            return true;
        }
    }

    /// <summary>Everything counted since the start.</summary>
    public Totals Read()
    {
        var errors = Interlocked.Read(ref _errors);
        var denied = Interlocked.Read(ref _denied);
        var ticks = Interlocked.Read(ref _ticks);
        var refused = _refusals.Read();
        var decisions = Interlocked.Read(ref _decisions);
        lock (_ownLock)
        {
            return new Totals(decisions, denied, errors, ticks, refused, _own, Interlocked.Read(ref _promotions));
        }
    }

    /// <summary>What a report carries: what happened between two readings.</summary>
    public ImmutableSortedDictionary<string, MetricValue> Between(Totals before, Totals now)
    {
        var metrics = ImmutableSortedDictionary.CreateBuilder<string, MetricValue>(StringComparer.Ordinal);
        foreach (var (name, value) in now.Own)
        {
            var known = before.Own.GetValueOrDefault(name);
            var count = value.Count - (known?.Count ?? 0);
            if (count > 0)
            {
                metrics[name] = new MetricValue(count, value.Sum - (known?.Sum ?? 0));
            }
        }

        double decisions = now.Decisions - before.Decisions;
        var errors = now.Errors - before.Errors;
        var micros = (now.Ticks - before.Ticks) * 1e6 / time.TimestampFrequency;
        if (decisions > 0)
        {
            Add("decisions", decisions, decisions);
            Add("deny_rate", decisions, now.Denied - before.Denied);
            Add("decision_us", decisions, micros);
        }

        // A request may fail in the interval after the one it was decided in: a part is never larger than its total.
        if (Math.Max(decisions, errors) is > 0 and var samples)
        {
            Add("error_rate", samples, errors);
        }

        double refused = now.RefusedBy.Values.Sum() - before.RefusedBy.Values.Sum();
        if (refused > 0)
        {
            Add("refused", refused, refused);
        }

        return metrics.ToImmutable();

        // The application may add to the agent's own metrics: an error that it saw itself, say.
        void Add(string name, double count, double sum) =>
            metrics[name] = metrics.TryGetValue(name, out var own) ? new MetricValue(own.Count + count, own.Sum + sum) : new MetricValue(count, sum);
    }

    internal sealed record Totals(
        long Decisions, long Denied, long Errors, long Ticks, ImmutableSortedDictionary<string, long> RefusedBy,
        ImmutableSortedDictionary<string, MetricValue> Own, long Promotions)
    {
        public static readonly Totals None = new(0, 0, 0, 0, ImmutableSortedDictionary<string, long>.Empty, ImmutableSortedDictionary<string, MetricValue>.Empty, 0);
    }
}
