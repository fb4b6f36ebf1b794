using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>
/// The agents of this process as numbers, for any exporter of <see cref="System.Diagnostics.Metrics"/>: the meter is named
/// <c>OrleansPolicy.Client</c>, its instruments in the Prometheus form. Each is labelled with tenant, fleet and node.
/// </summary>
internal static class NodeMeter
{
    public const string Name = "OrleansPolicy.Client";

    private static readonly ConcurrentDictionary<PolicyNode, KeyValuePair<string, object?>[]> Nodes = new();
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Reloads = Meter.CreateCounter<long>(
        "policy_reloads_total", description: "Attempts to put a bundle in force, by result (success or the code of the failure).");

    private static readonly Histogram<double> ReloadSeconds = Meter.CreateHistogram<double>(
        "policy_reload_duration_seconds", description: "From the start of a reload to its swap or its failure.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });

    static NodeMeter()
    {
        Meter.CreateObservableGauge("policy_node_serving", () => Each(status => status.Refusal is null ? 1 : 0), description: "Whether the node serves (1) or denies (0).");
        Meter.CreateObservableGauge("policy_node_epoch", () => Each(status => status.Epoch), description: "The highest epoch that the node has heard.");
        Meter.CreateObservableGauge(
            "policy_bundle_age_seconds", () => Each(status => status.BundleAge?.TotalSeconds), description: "How long ago the bundle in force was put in force.");
        Meter.CreateObservableCounter(
            "policy_decision_log_delivered_total", () => Each(status => status.DecisionLog?.Delivered), description: "Records of decisions that the control plane or a file has.");
        Meter.CreateObservableCounter(
            "policy_decision_log_lost_total", () => Each(status => status.DecisionLog?.Lost), description: "Decisions without a record.");
    }

    /// <summary>A node began: it is measured until it ends.</summary>
    public static void Add(PolicyNode node, PolicyNodeOptions options) => Nodes[node] = Tags(options);

    public static void Remove(PolicyNode node) => Nodes.TryRemove(node, out _);

    public static void Reloaded(PolicyNodeOptions options, ReloadRecord record)
    {
        KeyValuePair<string, object?>[] tags = [.. Tags(options), new("result", record.Success ? "success" : record.Code ?? "failure")];
        Reloads.Add(1, tags);
        ReloadSeconds.Record(record.DurationMs / 1000, tags);
    }

    private static KeyValuePair<string, object?>[] Tags(PolicyNodeOptions options) =>
        [new("tenant", options.Tenant), new("fleet", options.Fleet), new("node", options.Node)];

    private static IEnumerable<Measurement<double>> Each(Func<PolicyNodeStatus, double?> read)
    {
        foreach (var (node, tags) in Nodes)
        {
            if (read(node.Status) is { } value)
            {
                yield return new Measurement<double>(value, tags);
            }
        }
    }
}
