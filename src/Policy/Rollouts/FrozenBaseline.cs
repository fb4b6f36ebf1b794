using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What the nodes outside the cohort measured when there were last enough of them to compare with. Kept with the rollout.</summary>
/// <param name="At">When.</param>
/// <param name="Metrics">Their metrics since that stage's window began.</param>
public sealed record FrozenBaseline(DateTimeOffset At, ImmutableSortedDictionary<string, MetricTotal> Metrics);

/// <summary>Both sides of a comparison with the baseline, since the running window began: a test that drops what it has seen is no longer valid.</summary>
/// <param name="Cohort">Metrics of the cohort.</param>
/// <param name="Rest">The same of the nodes outside the cohort.</param>
/// <param name="NewestRestAt">When the newest sample of those arrived.</param>
public sealed record ComparedMetrics(
    ImmutableSortedDictionary<string, MetricTotal> Cohort, ImmutableSortedDictionary<string, MetricTotal> Rest, DateTimeOffset? NewestRestAt)
{
    /// <summary>Whether there are enough of the rest, and recent enough, to compare with.</summary>
    public bool HasRest(JudgeTerms terms, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return HasSamples(terms) && NewestRestAt is { } newest && (at - newest).TotalSeconds <= terms.FreshnessSec;
    }

    /// <summary>Whether there are enough of the rest, whenever that was.</summary>
    public bool HasSamples(JudgeTerms terms)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return Rest.TryGetValue(MetricWindow.Decisions, out var decisions) && decisions.Count >= terms.MinSamples;
    }
}

/// <summary>What a plan demands of samples before they are called healthy, and what to compare with where nobody is left.</summary>
/// <param name="MinSamples">Decisions that must have been counted.</param>
/// <param name="FreshnessSec">Seconds after which the newest sample is stale.</param>
/// <param name="Frozen">The baseline that was kept; null: there was none yet.</param>
public sealed record JudgeTerms(int MinSamples, double FreshnessSec, FrozenBaseline? Frozen = null)
{
    /// <summary>Those of a rollout.</summary>
    public static JudgeTerms Of(RolloutPlan plan, FrozenBaseline? frozen)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new JudgeTerms(plan.MinSamples, plan.FreshnessSec, frozen);
    }
}

/// <summary>How far a criterion looks back.</summary>
/// <param name="Over">In contract time, as the criterion says.</param>
/// <param name="From">The moment that is now, never before the running window.</param>
public sealed record LookBack(TimeSpan Over, DateTimeOffset From);

/// <summary>The cohort's metrics over a look back.</summary>
/// <param name="Over">As asked for.</param>
/// <param name="Cohort">The sums.</param>
public sealed record LookedBack(TimeSpan Over, ImmutableSortedDictionary<string, MetricTotal> Cohort);
