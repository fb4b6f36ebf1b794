using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Fleets;

/// <summary>What a fleet's settings must keep to.</summary>
public static class FleetSettingsRules
{
    /// <summary>The code of every problem that <see cref="Validate"/> reports.</summary>
    public const string InvalidCode = "fleet.settings_invalid";

    /// <summary>The code of <see cref="CheckDeadline"/>.</summary>
    public const string StalenessCode = "rollout.staleness_exceeds_deadline";

    /// <summary>Seconds of a rollback deadline that are not the lease: 12 to make the rollback durable, 3 of margin.</summary>
    public const int DeadlineReserveSec = 15;

    /// <summary>The longest lease, in seconds.</summary>
    public const int MaxStalenessSecMax = 45;

    /// <summary>A year, in seconds: the longest time to live.</summary>
    public const int NodeTtlSecMax = 31_536_000;

    /// <summary>Everything that is wrong, each with its path; empty for valid settings.</summary>
    public static ImmutableArray<Problem> Validate(FleetSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        if (settings.MaxStalenessSec is not (null or (>= 10 and <= MaxStalenessSecMax)))
        {
            problems.Add(Invalid("max_staleness_sec", "must be 10 to 45 seconds, or null for no leases"));
        }

        // A node must be fenced before it may leave: who has left is not waited for.
        var ttlMin = (settings.MaxStalenessSec is { } lease ? lease + (int)Lease.Margin.TotalSeconds : (int)Lease.LiveWithoutLease.TotalSeconds) + 1;
        if (settings.NodeTtlSec < ttlMin || settings.NodeTtlSec > NodeTtlSecMax)
        {
            problems.Add(Invalid("node_ttl_sec", $"must be {ttlMin} to {NodeTtlSecMax} seconds: longer than it takes to fence a node"));
        }

        var intervalMax = Math.Min(7, (settings.MaxStalenessSec ?? 42) / 6.0);

        // Written so that NaN fails: it compares false with everything.
        if (!(settings.ReportIntervalSec >= 0.2 && settings.ReportIntervalSec <= intervalMax))
        {
            problems.Add(Invalid("report_interval_sec", $"must be 0.2 to {intervalMax:0.###} seconds: at most 7, and at most a sixth of the lease"));
        }

        return problems.ToImmutable();
    }

    /// <summary>
    /// Null where a rollback of this plan can be over within its deadline, else <see cref="StalenessCode"/>: nodes that hear nothing go
    /// on serving for a lease. Without leases nothing bounds a rollback, which the fleet shows; that is its owner's choice.
    /// </summary>
    public static Problem? CheckDeadline(FleetSettings settings, RolloutPlan plan)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(plan);
        return settings.MaxStalenessSec is { } lease && lease + DeadlineReserveSec > plan.RollbackDeadlineSec
            ? new Problem(
                StalenessCode,
                $"The fleet's max_staleness_sec of {lease} s and {DeadlineReserveSec} s to decide exceed the plan's rollback_deadline_sec of {plan.RollbackDeadlineSec} s.",
                "$.rollback_deadline_sec")
            : null;
    }

    private static Problem Invalid(string field, string rule) => new(InvalidCode, $"{field} {rule}.", "$." + field);
}
