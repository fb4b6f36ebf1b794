using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Benchmarks;

/// <summary>
/// What a rollout costs the control plane: aggregating a node's report of three metrics, beside adding the same numbers up in a
/// dictionary; one look with its event applied, beside copying the state; and the cut of 100,000 nodes, beside hashing them.
/// </summary>
internal static class RolloutSpeed
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static double _sink;

    public static Task RunAsync(Report report)
    {
        Aggregation(report);
        Look(report);
        Cut(report);
        GC.KeepAlive(_sink);
        return Task.CompletedTask;
    }

    private static ImmutableSortedDictionary<string, MetricValue> Metrics() => ImmutableSortedDictionary<string, MetricValue>.Empty
        .Add("decisions", new MetricValue(100, 100))
        .Add("error_rate", new MetricValue(100, 0))
        .Add("decision_us", new MetricValue(100, 250));

    private static void Aggregation(Report report)
    {
        var metrics = Metrics();
        var window = new MetricWindow(T0);
        var at = T0;
        var sums = new Dictionary<string, (double Count, double Sum)>(StringComparer.Ordinal);

        void Window(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                // 10,000 reports a second.
                at = at.AddMicroseconds(100);
                window.Add(at, metrics);
            }

            window.Forget(at.AddSeconds(-60));
        }

        void Dictionary(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                foreach (var (name, value) in metrics)
                {
                    var (count, sum) = sums.GetValueOrDefault(name);
                    sums[name] = (count + value.Count, sum + value.Sum);
                }
            }
        }

        var (ours, baseline) = Alternation.NanosecondsPerOperation(
            "a report of 3 metrics into the trailing window", Window, "the same numbers into a dictionary", Dictionary);
        report.Pair(ours, baseline, string.Create(CultureInfo.InvariantCulture, $"{Alternation.BytesPerOperation(Window):0} bytes"));
        _sink += window.Dropped + sums.Count;
    }

    private static void Look(Report report)
    {
        var census = Census(100);
        var stages = ((decimal[])[5, 20, 50, 100]).Select(target => new PlanStage(
            $"stage-{target}", target, 1, ["error_rate < 1%", "decision_us < 500us"], "error_rate > 5%")).ToImmutableArray();
        var plan = new RolloutPlan
        {
            Stages = stages,
            InitialPercentage = 5,
            IncrementPolicy = IncrementPolicy.Manual,
            MaxBlastRadius = 100,
            ObservationWindowHours = 1,
        };
        var start = new RolloutCommand.Start(
            "default", "r1", "edge", new string('2', 64), plan, false, "because", new Actor("ada", "http"), 3600, "00ff",
            new Directive { Epoch = 1, Target = new string('1', 64) }, census);
        var started = (RolloutEvent.Started)RolloutDecider.Decide(null, start, T0).Value[0];
        var state = RolloutDecider.Apply(null, started);
        var look = new RolloutCommand.Observe(new FleetObservation
        {
            At = T0,
            Directive = started.Directive,
            Nodes = new NodeCounts(5, 5, 0, 0, 0, 100, 5),
            Cohort = Metrics().ToImmutableSortedDictionary(metric => metric.Key, metric => new MetricTotal(10 * metric.Value.Count, 10 * metric.Value.Sum, 10)),
            NewestSampleAt = T0.AddMinutes(1),
        });

        void DecideAndApply(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                _sink += RolloutDecider.Apply(state, RolloutDecider.Decide(state, look, T0.AddMinutes(1)).Value[0]).Revision;
            }
        }

        void Copy(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                _sink += (state with { Revision = i }).Revision;
            }
        }

        var (ours, baseline) = Alternation.NanosecondsPerOperation("decide and apply one look", DecideAndApply, "copying the state", Copy);
        report.Pair(ours, baseline, string.Create(CultureInfo.InvariantCulture, $"{Alternation.BytesPerOperation(DecideAndApply):0} bytes"));
    }

    private static void Cut(Report report)
    {
        var census = Census(100_000);

        void CutAll(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                _sink += Cohorts.Cut(ImmutableSortedDictionary<string, DomainCut>.Empty, census, 20, null, "00ff").Nodes;
            }
        }

        void HashAll(int operations)
        {
            for (var i = 0; i < operations; i++)
            {
                foreach (var unit in census)
                {
                    _sink += UnitKey.Of("00ff", unit.Unit).A;
                }
            }
        }

        var (ours, baseline) = Alternation.NanosecondsPerOperation(
            "the cut of 100,000 nodes", CutAll, "hashing 100,000 names", HashAll, rounds: 9);
        report.Pair(ours, baseline);
    }

    private static ImmutableArray<CensusUnit> Census(int nodes) =>
    [
        .. Enumerable.Range(1, nodes).Select(i => new CensusUnit(
            $"node:n{i}", $"zone-{i % 3}", i, ImmutableSortedDictionary<string, int>.Empty.Add($"zone-{i % 3}", 1))),
    ];
}
