using System.Diagnostics.Metrics;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Grains.Parity;

/// <summary>What switches of parity groups cost.</summary>
public sealed class ParityMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "OrleansPolicy.Parity";

    private readonly Meter _meter = new(Name);
    private readonly Counter<long> _switches;
    private readonly Histogram<double> _quiesce;

    /// <summary>Creates the instruments.</summary>
    public ParityMeter()
    {
        _switches = _meter.CreateCounter<long>("policy_parity_switches_total", description: "Parity groups that went over to another bundle.");
        _quiesce = _meter.CreateHistogram<double>(
            "policy_parity_quiesce_seconds", description: "From the moment a group's members were told to deny until its switch was committed.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <summary>Counts what a durable step did.</summary>
    internal void Note(string tenant, string fleet, FleetParity before, ParityStep step, DateTimeOffset now)
    {
        KeyValuePair<string, object?>[] labels = [new("tenant", tenant), new("fleet", fleet)];
        foreach (var group in step.Committed)
        {
            _switches.Add(1, labels);
            if (before.Switches.GetValueOrDefault(group) is { Phase: ParityPhase.Quiesce } quiesced && quiesced.Epoch == step.Base.Epoch)
            {
                _quiesce.Record(Math.Max(0, (now - quiesced.Since).TotalSeconds), labels);
            }
        }
    }
}
