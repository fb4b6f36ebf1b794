using System.Diagnostics.Metrics;
using OrleansPolicy.Fleets;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.SingleNode;

/// <summary>
/// The reloads of node <c>local</c> under the names that clients of the unison service know. The counters only rise and the duration is
/// a histogram; <c>policy_reload_duration_seconds</c> and its like say the same of every node of the process.
/// </summary>
public sealed class ReloadMetrics
{
    private readonly Counter<long> total;
    private readonly Counter<long> succeeded;
    private readonly Counter<long> failed;
    private readonly Histogram<double> seconds;

    /// <summary>Creates the instruments.</summary>
    public ReloadMetrics(PolicyMeter meter)
    {
        total = meter.Count("unison_policy_reload_total", "Reloads of node local.");
        succeeded = meter.Count("unison_policy_reload_success_total", "Of these, how many put a bundle in force.");
        failed = meter.Count("unison_policy_reload_failure_total", "Of these, how many left the old one in force.");
        seconds = meter.Time("unison_policy_reload_duration_seconds", "What they took, from the first byte to the swap or the failure.");
        meter.Observe("unison_policy_bundle_version", "The version that node local runs.", () =>
            Version?.Invoke() is { } version ? [new Measurement<double>(1, new KeyValuePair<string, object?>("version", version))] : []);
        foreach (var counter in (Counter<long>[])[total, succeeded, failed])
        {
            // A counter that never counted still exists: rates of it are 0 and not unknown.
            counter.Add(0);
        }
    }

    /// <summary>What is in force now.</summary>
    public Func<string?>? Version { get; set; }

    /// <summary>Counts one.</summary>
    public void Reloaded(ReloadRecord reload)
    {
        total.Add(1);
        (reload.Success ? succeeded : failed).Add(1);
        seconds.Record(reload.DurationMs / 1000);
    }
}
