using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What the audit says of a rollout's events: time, stage and its percentage, event code, operator, metric snapshot.</summary>
public static class RolloutAudit
{
    private static readonly Actor Itself = Actor.ControlPlane("grain");

    /// <summary>The entries for one event; none for <see cref="RolloutEvent.Judged"/>.</summary>
    /// <param name="before">The state it happened to; null for a start.</param>
    /// <param name="after">The state after it.</param>
    /// <param name="e">The event.</param>
    /// <param name="seen">What was seen of the fleet when it was decided; null where nobody looked.</param>
    public static ImmutableArray<AuditDraft> Describe(RolloutState? before, RolloutState after, RolloutEvent e, FleetObservation? seen)
    {
        ArgumentNullException.ThrowIfNull(after);
        ArgumentNullException.ThrowIfNull(e);
        return e switch
        {
            RolloutEvent.Started { State.Kind: RolloutKind.Baseline } => [Draft("fleet.baseline_set", null, after.Author, after.Reason)],
            RolloutEvent.Started { State.Kind: RolloutKind.FastTrack } =>
                [Draft("rollout.fast_track", RolloutCodes.RolledBack, after.Author, after.Reason)],
            RolloutEvent.Started => [Draft("rollout.started", null, after.Author, after.Reason)],
            RolloutEvent.Advanced advanced =>
                [Draft(advanced.Code is null ? "rollout.stepped_up" : "rollout.advanced", advanced.Code, Itself, advanced.Verdict.Sentence)],
            RolloutEvent.Judged => [],
            RolloutEvent.Extended extended => [Draft("rollout.extended", null, Itself, extended.Why.Sentence)],
            RolloutEvent.Paused paused => [Draft("rollout.paused", RolloutCodes.Paused, paused.By, paused.Why.Sentence)],
            RolloutEvent.Resumed resumed => [Draft("rollout.resumed", null, resumed.By, resumed.Reason)],
            RolloutEvent.Approved approved => [Draft("rollout.approved", null, approved.By, approved.Reason)],
            RolloutEvent.Attested { Attestation: var said } => [Draft("rollout.attested", null, said.By, said.Reason)],
            RolloutEvent.RolledBack back => [Draft("rollout.rolled_back", RolloutCodes.RolledBack, back.By, back.Why.Sentence)],
            RolloutEvent.Completed completed => [Draft("rollout.completed", RolloutCodes.Completed, Itself, completed.Why.Sentence)],
            RolloutEvent.Superseded superseded =>
            [
                Draft(
                    "rollout.superseded", before?.Phase == RolloutPhase.RolledBack ? null : RolloutCodes.RolledBack, superseded.By,
                    superseded.Why.Sentence),
            ],
            RolloutEvent.Returning => [],
            RolloutEvent.EpochRaised raised => [Draft("rollout.epoch_raised", null, raised.By, raised.Reason)],
            RolloutEvent.Overdue overdue => [Draft("rollback.overdue", null, Itself, overdue.Why.Sentence)],
            RolloutEvent.Over =>
                [Draft("rollback.over", after.Kind == RolloutKind.FastTrack ? RolloutCodes.Completed : null, Itself, after.Why.Sentence)],
            _ => throw new InvariantViolationException($"{e.GetType().Name} is not one of the events."),
        };

        AuditDraft Draft(string action, string? code, Actor by, string reason) => new()
        {
            At = e.At,
            Actor = by.Subject,
            Interface = by.Interface,
            Action = action,
            Subject = $"fleets/{after.Fleet}/rollouts/{after.RolloutId}",
            Code = code,
            StageId = after.Stage?.StageId,
            TargetPercentage = after.Stage?.TargetPercentage,
            HourSeconds = after.HourSeconds,
            Reason = reason,
            Metrics = Metrics(before, after, seen),
            Detail = Detail(before, after, e, seen),
        };
    }

    // What was seen now; where nobody looked (somebody acted), what the last look was judged by.
    private static ImmutableSortedDictionary<string, double>? Metrics(RolloutState? before, RolloutState after, FleetObservation? seen)
    {
        if (seen is null && before?.Verdict is null)
        {
            return null;
        }

        var metrics = ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        foreach (var name in seen?.Cohort.Keys ?? [])
        {
            if (CriterionEvaluation.Measure(name, seen!.Cohort) is { } measured)
            {
                metrics[name] = measured;
            }
        }

        foreach (var (name, queried) in seen?.Queried ?? ImmutableSortedDictionary<string, QueriedMetric>.Empty)
        {
            if (after.Plan is { } plan && queried.NumberAt(seen!.At, plan.FreshnessSec) is { } number)
            {
                metrics[name] = number;
            }
        }

        if ((seen is null ? before!.InShadow ? before.Shadow : null : seen.Shadow) is { } shadow)
        {
            metrics["shadow_compared"] = shadow.Compared;
            metrics["shadow_changed"] = shadow.Changed;
        }
        else if (seen is null)
        {
            AddJudged(metrics, before!.Verdict!);
        }

        return metrics.ToImmutable();
    }

    private static void AddJudged(ImmutableSortedDictionary<string, double>.Builder metrics, Verdict verdict)
    {
        metrics[MetricWindow.Decisions] = verdict.Samples;
        foreach (var result in verdict.Criteria)
        {
            // Of several comparisons in one criterion it is not known which of them was measured.
            if (result.Measured is { } measured && CriterionParser.Parse(result.Criterion).Criterion is Criterion.Comparison { Over: null } comparison)
            {
                metrics[comparison.Percentile is { } percentile ? $"p{Number(percentile)}({comparison.Metric})" : comparison.Metric] = measured;
            }
        }
    }

    private static ImmutableSortedDictionary<string, string> Detail(
        RolloutState? before, RolloutState after, RolloutEvent e, FleetObservation? seen)
    {
        var detail = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        detail["state"] = RolloutDecider.NameOf(after.Phase);
        detail["epoch"] = Text(after.Epoch);
        detail["percentage"] = after.Percentage.ToString(CultureInfo.InvariantCulture);
        detail["target"] = after.Target;
        detail["why"] = after.Why.Code;
        Set("fallback", after.Fallback);
        Set("waiver", after.WaiverId);
        Set("freeze_waiver", after.FreezeWaiverId);
        Set("wave", after.WaveId);
        Set("from_stage", before?.Stage?.StageId is { } from && from != after.Stage?.StageId ? from : null);
        if (e.NewDirective is { CensusN: > 0 } directive)
        {
            detail["census"] = Text(directive.CensusN);
        }

        if (e is RolloutEvent.Advanced { Warnings.IsDefaultOrEmpty: false } advanced)
        {
            detail["warnings"] = string.Join(' ', advanced.Warnings.Select(warning => warning.Code));
        }

        Set("approved_by", e is RolloutEvent.Advanced ? before?.ApprovedBy?.Subject : null);
        if (e is RolloutEvent.Attested { Attestation: var said })
        {
            detail["criterion"] = said.Criterion;
            detail["met"] = said.Met ? "true" : "false";
        }

        if (seen is { Return: null })
        {
            detail["assigned"] = Text(seen.Nodes.Assigned);
            detail["acked"] = Text(seen.Nodes.Acked);
            Set("fenced", seen.FencedNodes.IsDefaultOrEmpty ? null : string.Join(' ', seen.FencedNodes));
            Set("nacks", seen.Nacks.IsDefaultOrEmpty ? null : string.Join("; ", seen.Nacks.Select(nack => $"{nack.Node}: {nack.Error}")));
        }

        if (e is RolloutEvent.Over or RolloutEvent.Overdue && after.Return is { } back)
        {
            foreach (var (name, value) in RollbackView.Of(back, (e as RolloutEvent.Overdue)?.Nodes ?? back.Nodes).Facts())
            {
                detail[name] = value;
            }
        }

        return detail.ToImmutable();

        void Set(string name, string? value)
        {
            if (value is not null)
            {
                detail[name] = value;
            }
        }
    }

    private static string Number(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
