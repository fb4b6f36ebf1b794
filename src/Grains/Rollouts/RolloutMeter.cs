using System.Diagnostics.Metrics;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>Who drives rollouts, and how long fleets take to go back.</summary>
public sealed class RolloutMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "OrleansPolicy.Rollouts";

    private readonly Meter _meter = new(Name);
    private readonly Histogram<double> _seconds;
    private readonly Counter<long> _overdue;
    private readonly Counter<long> _looks;

    /// <summary>Creates the instruments.</summary>
    public RolloutMeter()
    {
        _seconds = _meter.CreateHistogram<double>(
            "policy_rollback_seconds", description: "From the acceptance of what caused a way back until every node had ACKed or was fenced.");
        _overdue = _meter.CreateCounter<long>("policy_rollbacks_overdue_total", description: "Ways back that took longer than their deadline.");
        _looks = _meter.CreateCounter<long>(
            "policy_rollout_looks_total", description: "Looks at rollouts by the grains of this process that drive them: it rises in the silo that drives.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <summary>Counts a look of the grain that drives a rollout.</summary>
    internal void Look(RolloutState state) => _looks.Add(1, new("tenant", state.Tenant), new("fleet", state.Fleet));

    /// <summary>Counts what a durable change says of a way back.</summary>
    internal void Note(RolloutState? before, RolloutState after)
    {
        if (after.Return is not { } back)
        {
            return;
        }

        KeyValuePair<string, object?>[] labels = [new("tenant", after.Tenant), new("fleet", after.Fleet), new("kind", Kind(after.Kind))];
        if (back.OverdueAt is not null && before?.Return?.OverdueAt is null)
        {
            _overdue.Add(1, labels);
        }

        if (back.OverAt is { } overAt && before?.Return?.OverAt is null)
        {
            _seconds.Record((overAt - back.DetectedAt).TotalSeconds, labels);
        }
    }

    private static string Kind(RolloutKind kind) => kind == RolloutKind.FastTrack ? "fast_track" : "rollout";
}
