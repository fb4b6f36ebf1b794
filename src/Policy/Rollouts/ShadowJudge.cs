using System.Collections.Immutable;

namespace OrleansPolicy.Rollouts;

/// <summary>Tells what a shadow stage has shown.</summary>
internal static class ShadowJudge
{
    /// <summary>Too few of the live nodes evaluate the new bundle: what the others would decide nobody knows.</summary>
    public const string NotWatchedCode = "shadow.not_watched";

    /// <summary>Where the criterion of the stage stands in the plan.</summary>
    public const string Criterion = "backtest.max_changed_decisions";

    /// <summary>
    /// The verdict. As in every stage, what was not seen is INCONCLUSIVE whatever the rest shows: too few watching nodes, too few
    /// decisions made twice, or stale ones.
    /// </summary>
    public static Verdict Judged(RolloutPlan plan, FleetObservation fleet, DateTimeOffset now)
    {
        var seen = fleet.Shadow ?? new ShadowFindings(0, 0, 0, 0, 0);
        if (!plan.IsEnough(seen.Watching, seen.Nodes))
        {
            return new Verdict(
                VerdictKind.Inconclusive, NotWatchedCode,
                $"{seen.Watching} of {seen.Nodes} live nodes evaluate the new bundle; the others refuse it, load it still or have an agent that knows no shadow stage.",
                [new CriterionResult("min_acked_percentage", VerdictKind.Inconclusive, seen.Watching, plan.EnoughOf(seen.Nodes), NotWatchedCode)], seen.Compared)
            {
                Shadow = seen,
            };
        }

        if (seen.Compared < plan.MinSamples)
        {
            return Verdict(VerdictKind.Inconclusive, Judge.FewCode, $"{Judge.Text(seen.Compared)} decisions made twice in the window; {plan.MinSamples} are needed.");
        }

        if (seen.NewestAt is not { } newest || (now - newest).TotalSeconds > plan.FreshnessSec)
        {
            return Verdict(VerdictKind.Inconclusive, Judge.StaleCode, $"The newest sample is older than {Judge.Text(plan.FreshnessSec)} s.");
        }

        if (plan.Backtest is not { } backtest)
        {
            return Verdict(VerdictKind.Pass, Judge.PassCode, $"{Judge.Text(seen.Changed)} of {Judge.Text(seen.Compared)} decisions differ; the plan sets no limit.");
        }

        var limit = backtest.LimitOf(seen.Compared);
        var kind = seen.Changed <= limit ? VerdictKind.Pass : VerdictKind.Fail;
        return Verdict(
            kind, kind == VerdictKind.Pass ? Judge.PassCode : Judge.FailCode,
            $"{Judge.Text(seen.Changed)} of {Judge.Text(seen.Compared)} decisions differ, limit {Judge.Text(limit)}.",
            new CriterionResult(Criterion, kind, seen.Changed, limit));

        Verdict Verdict(VerdictKind kind, string code, string sentence, params ImmutableArray<CriterionResult> criteria) =>
            new(kind, code, sentence, criteria, seen.Compared) { Shadow = seen };
    }
}
