using System.Diagnostics.Metrics;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>The instruments of the process. Names are in the Prometheus form already: with their unit, counters ending in <c>_total</c>.</summary>
public sealed class PolicyMeter : IDisposable
{
    /// <summary>The meter whose instruments <see cref="PrometheusText"/> writes.</summary>
    public const string Name = "OrleansPolicy";

    private readonly Meter meter = new(Name);

    /// <summary>Whether an instrument is one of these, or of another meter of the product in this process.</summary>
    public bool Covers(Instrument instrument)
    {
        ArgumentNullException.ThrowIfNull(instrument);
        return ReferenceEquals(instrument.Meter, meter) || instrument.Meter.Name.StartsWith(Name + ".", StringComparison.Ordinal);
    }

    /// <summary>Creates the instruments.</summary>
    public PolicyMeter()
    {
        Requests = meter.CreateCounter<long>("policy_http_requests_total", description: "HTTP requests answered.");
        RequestSeconds = meter.CreateHistogram<double>("policy_http_request_duration_seconds", description: "Time to answer, long polls excepted.");
        Admissions = meter.CreateCounter<long>("policy_admissions_total", description: "Answers of the admission limiter to calls that take one.");
        Decisions = meter.CreateCounter<long>("policy_decisions_total", description: "Decisions answered by this process.");
        LoggedDecisions = meter.CreateCounter<long>("policy_decision_log_records_total", description: "Records of decisions that nodes handed over.");
        Handshakes = meter.CreateCounter<long>("titan_brain_policy_handshake_success_total", description: "Handshakes of policy hashes that found them equal.");
        Promotions = meter.CreateCounter<long>("titan_brain_leader_promotions_total", description: "Times that a node told that it had become leader.");
        Polls = meter.CreateUpDownCounter<long>("policy_http_open_polls", description: "Long polls and streams that are open now.");
    }

    /// <summary>By route, method and status.</summary>
    public Counter<long> Requests { get; }

    /// <summary>By route.</summary>
    public Histogram<double> RequestSeconds { get; }

    /// <summary>By tenant and result (allowed, refused).</summary>
    public Counter<long> Admissions { get; }

    /// <summary>By tenant and result (allowed, denied, unavailable).</summary>
    public Counter<long> Decisions { get; }

    /// <summary>By tenant and result (accepted, refused).</summary>
    public Counter<long> LoggedDecisions { get; }

    /// <summary>By tenant and fleet; under the name that runbooks know.</summary>
    public Counter<long> Handshakes { get; }

    /// <summary>By tenant and fleet; under the name that runbooks know.</summary>
    public Counter<long> Promotions { get; }

    /// <summary>Open polls.</summary>
    public UpDownCounter<long> Polls { get; }

    /// <summary>Adds a counter.</summary>
    public Counter<long> Count(string name, string description) => meter.CreateCounter<long>(name, description: description);

    /// <summary>Adds a histogram of seconds.</summary>
    public Histogram<double> Time(string name, string description) => meter.CreateHistogram<double>(name, description: description);

    /// <summary>Adds a number that is read when somebody looks.</summary>
    public void Observe(string name, string description, Func<IEnumerable<Measurement<double>>> read) =>
        meter.CreateObservableGauge(name, read, description: description);

    /// <inheritdoc/>
    public void Dispose() => meter.Dispose();
}
