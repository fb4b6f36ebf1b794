using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Client;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Events;

/// <summary>
/// Counts what nodes refused, and brings it to whoever listens: one call a tenant for all that was heard within 100 ms, added up by node
/// and reason. So a fleet that refuses everything costs no more than one that refuses once.
/// </summary>
internal sealed class RejectionOutbox(
    IGrainFactory grains, PolicyMeter meter, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<RejectionOutbox> logger) : BackgroundService
{
    /// <summary>The most node-reason pairs that wait; further ones are counted and told to nobody.</summary>
    public const int WaitingMax = 20_000;

    // A node may make reasons up, and each is a series of the metric for as long as the process runs.
    private const int ReasonsMax = 64;
    private const string OtherReason = "other";

    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(100);

    // A name that runbooks know: what fails after a change of policy is seen on it.
    private readonly Counter<long> _rejected = meter.Count(
        "titan_execution_rejection_events_total", "Decisions that nodes refused because they must not serve, by reason.");

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _some = new(0, 1);
    private readonly HashSet<string> _reasons = [.. Refusals.Reasons];
    private Dictionary<(string Tenant, string Fleet, string Node, string Reason), RejectionEvent> _waiting = [];

    /// <summary>Notes what a node, or the control plane in its name, refused.</summary>
    public void Add(string tenant, string fleet, string node, ImmutableArray<RejectedDecisions> rejections)
    {
        if (rejections.IsDefaultOrEmpty)
        {
            return;
        }

        lock (_gate)
        {
            foreach (var rejected in rejections)
            {
                _rejected.Add(rejected.Count, new("tenant", tenant), new("fleet", fleet), new KeyValuePair<string, object?>("reason", LabelOf(rejected.Reason)));
                var key = (tenant, fleet, node, rejected.Reason);
                if (_waiting.TryGetValue(key, out var before) || _waiting.Count < WaitingMax)
                {
                    _waiting[key] = new RejectionEvent(
                        fleet, node, rejected.Reason, (before?.Count ?? 0) + rejected.Count, rejected.ExpectedHash, rejected.GotHash, rejected.At);
                }
            }

            if (_some.CurrentCount == 0)
            {
                _some.Release();
            }
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _some.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _some.WaitAsync(stoppingToken);
            await Task.Delay(GatherTime, clock, stoppingToken);
            Dictionary<(string Tenant, string Fleet, string Node, string Reason), RejectionEvent> taken;
            lock (_gate)
            {
                (taken, _waiting) = (_waiting, []);
            }

            await Task.WhenAll(taken.GroupBy(pair => pair.Key.Tenant, pair => pair.Value, StringComparer.Ordinal).Select(SendAsync));
        }
    }

    private string LabelOf(string reason) =>
        _reasons.Contains(reason) || (_reasons.Count < ReasonsMax && _reasons.Add(reason)) ? reason : OtherReason;

    private async Task SendAsync(IGrouping<string, RejectionEvent> rejections)
    {
        try
        {
            await grains.GetGrain<ITenantEventsGrain>(rejections.Key).PublishAsync([.. rejections]);
        }
#pragma warning disable CA1031 // News that nobody keeps must not stop the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogInformation(exception, "Rejections of tenant {Tenant} were counted and could not be passed on.", rejections.Key);
        }
    }
}
