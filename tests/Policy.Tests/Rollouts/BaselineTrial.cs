using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>
/// Seeded fleets whose true rates are known, looked at after every report of the cohort: how often a comparison with the baseline says FAIL at
/// any look. The rest reports four times as much. A z-test at 1 % is looked at beside it, to show what looking again and again does.
/// </summary>
internal sealed class BaselineTrial(string criterion, double factor)
{
    private const double NaiveLimit = 2.326;
    private static readonly double[] Bounds = [5, 10, 20, 40, 80, 160, 320, 640];

    public int Runs { get; init; } = 300;

    public int Looks { get; init; } = 250;

    public int PerReport { get; init; } = 20;

    /// <summary>Draws one observation, of the cohort or of the rest.</summary>
    public required Func<Random, bool, double> Draw { get; init; }

    /// <summary>The share of runs in which it failed at any look, the share in which the z-test did, and the mean look at which it failed.</summary>
    public (double Failed, double Naive, double MeanLook) Run(int seed)
    {
        var comparison = CriterionParser.Parse(criterion).Criterion!;
        var (failed, naive, looks) = (0, 0, 0);
        for (var run = 0; run < Runs; run++)
        {
            var random = new Random(seed + run);
            var (cohort, rest) = (new Side(), new Side());
            var (hasFailed, hasNaive) = (false, false);
            for (var look = 1; look <= Looks && !hasFailed; look++)
            {
                cohort.Report(PerReport, () => Draw(random, true));
                for (var i = 0; i < 4; i++)
                {
                    rest.Report(PerReport, () => Draw(random, false));
                }

                hasNaive |= look >= 10 && NaiveZ(cohort.Total, rest.Total) > NaiveLimit;
                var sight = new CriterionSight(See(cohort.Metrics, rest.Metrics), new JudgeTerms(100, 60), IsTrigger: false);
                hasFailed = CriterionEvaluation.Of(comparison, sight).Holds == false;
                looks += hasFailed ? look : 0;
            }

            failed += hasFailed ? 1 : 0;
            naive += hasNaive ? 1 : 0;
        }

        return ((double)failed / Runs, (double)naive / Runs, failed == 0 ? 0 : (double)looks / failed);
    }

    public static FleetObservation See(ImmutableSortedDictionary<string, MetricTotal> cohort, ImmutableSortedDictionary<string, MetricTotal> rest) => new()
    {
        At = Fleet.Start,
        Directive = new Directive { Epoch = 2 },
        Nodes = new NodeCounts(20, 20, 0, 0, 0, 100, 20),
        Cohort = cohort,
        Compared = new ComparedMetrics(cohort, rest, Fleet.Start),
        NewestSampleAt = Fleet.Start,
    };

    private double NaiveZ(MetricTotal cohort, MetricTotal rest)
    {
        var variance = (cohort.Variance!.Value / cohort.Count) + (factor * factor * rest.Variance!.Value / rest.Count);
        return variance == 0 ? 0 : ((cohort.Sum / cohort.Count) - (factor * rest.Sum / rest.Count)) / Math.Sqrt(variance);
    }

    private sealed class Side
    {
        private readonly double[] upTo = new double[Bounds.Length];

        public MetricTotal Total { get; private set; } = new(0, 0);

        public ImmutableSortedDictionary<string, MetricTotal> Metrics => ImmutableSortedDictionary<string, MetricTotal>.Empty
            .Add("decisions", Total)
            .Add("x", Total with { Buckets = [.. Bounds.Select((bound, i) => new MetricBucket(bound, upTo[i]))] });

        public void Report(int count, Func<double> draw)
        {
            var sum = 0.0;
            for (var i = 0; i < count; i++)
            {
                var value = draw();
                sum += value;
                for (var b = Bounds.Length - 1; b >= 0 && value <= Bounds[b]; b--)
                {
                    upTo[b]++;
                }
            }

            Total = new MetricTotal(Total.Count + count, Total.Sum + sum, Total.Reports + 1, Total.Spread + (sum * sum / count));
        }
    }
}
