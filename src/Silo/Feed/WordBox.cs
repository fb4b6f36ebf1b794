using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Silo.Feed;

/// <summary>What nodes said since the last hand-over, one word a node: the newest report, with the metrics of all of them added up.</summary>
internal sealed class WordBox
{
    private readonly Lock _gate = new();
    private Dictionary<string, HeardNode> _words = new(StringComparer.Ordinal);

    /// <summary>Whether nobody said anything.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _words.Count == 0;
            }
        }
    }

    /// <summary>Adds a word.</summary>
    public void Add(HeardNode word)
    {
        lock (_gate)
        {
            _words[word.Node] = _words.TryGetValue(word.Node, out var before) ? Merge(before, word) : word;
        }
    }

    /// <summary>Takes everything.</summary>
    public ImmutableArray<HeardNode> Take()
    {
        lock (_gate)
        {
            var words = _words;
            _words = new Dictionary<string, HeardNode>(StringComparer.Ordinal);
            return [.. words.Values];
        }
    }

    /// <summary>Puts back what could not be handed over: older than what arrived meanwhile.</summary>
    public void Return(ImmutableArray<HeardNode> words)
    {
        lock (_gate)
        {
            foreach (var word in words)
            {
                _words[word.Node] = _words.TryGetValue(word.Node, out var later) ? Merge(word, later) : word;
            }
        }
    }

    /// <summary>Two words of one node, the earlier first.</summary>
    internal static HeardNode Merge(HeardNode earlier, HeardNode later)
    {
        var at = earlier.At > later.At ? earlier.At : later.At;
        if (earlier.Report is not { } old || later.Report is not { } report)
        {
            var only = later.Report is null ? earlier : later;
            return new HeardNode(later.Node, at, only.Report) { FirstReportAt = FirstReportAt(only) };
        }

        // Samples count for the hash they were counted under; those under another one would be laid to the newest report's hash.
        var metrics = old.PolicyHash == report.PolicyHash ? Sum(old.Metrics, report.Metrics) : report.Metrics;
        return new HeardNode(later.Node, at, report with { Metrics = metrics, Shadow = ShadowWord.Join(old.Shadow, report.Shadow) }) { FirstReportAt = FirstReportAt(earlier) };
    }

    private static DateTimeOffset? FirstReportAt(HeardNode word) => word.Report is null ? null : word.FirstReportAt ?? word.At;

    private static ImmutableSortedDictionary<string, MetricValue> Sum(
        ImmutableSortedDictionary<string, MetricValue> one, ImmutableSortedDictionary<string, MetricValue> other)
    {
        var sums = one.ToBuilder();
        foreach (var (name, value) in other)
        {
            if (!sums.TryGetValue(name, out var before))
            {
                if (sums.Count < ReportRules.MetricsMax)
                {
                    sums.Add(name, value);
                }

                continue;
            }

            sums[name] = new MetricValue(before.Count + value.Count, before.Sum + value.Sum, SumBuckets(before.Buckets, value.Buckets));
        }

        return sums.ToImmutable();
    }

    private static ImmutableSortedDictionary<string, double>? SumBuckets(
        ImmutableSortedDictionary<string, double>? one, ImmutableSortedDictionary<string, double>? other)
    {
        if (one is null || other is null)
        {
            return one ?? other;
        }

        var sums = one.ToBuilder();
        foreach (var (bound, count) in other)
        {
            sums[bound] = sums.GetValueOrDefault(bound) + count;
        }

        return sums.ToImmutable();
    }
}
