using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>
/// Listens to the instruments of <see cref="PolicyMeter"/> (and of meters named <c>OrleansPolicy.…</c>) and writes their numbers in
/// the Prometheus text format 0.0.4.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    /// <summary>The content type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly ConcurrentDictionary<Instrument, MetricSeries> series = new();
    private readonly MeterListener listener = new();
    private readonly Lock reading = new();

    /// <summary>Begins to listen.</summary>
    public PrometheusText(PolicyMeter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        listener.InstrumentPublished = (instrument, listener) =>
        {
            if (meter.Covers(instrument))
            {
                series[instrument] = new MetricSeries(instrument.Name, instrument.Description, ShapeOf(instrument));
                listener.EnableMeasurementEvents(instrument);
            }
        };
        listener.MeasurementsCompleted = (instrument, _) => Forget(instrument);
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
    }

    /// <summary>All numbers as they are now.</summary>
    public string Write()
    {
        lock (reading)
        {
            foreach (var (instrument, numbers) in series)
            {
                if (instrument.IsObservable)
                {
                    numbers.Clear();
                }
            }

            listener.RecordObservableInstruments();
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            foreach (var numbers in series.Values.OrderBy(numbers => numbers.Name, StringComparer.Ordinal))
            {
                numbers.Write(text);
            }

            return text.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private void Forget(Instrument instrument) => series.TryRemove(instrument, out _);

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (series.TryGetValue(instrument, out var numbers))
        {
            numbers.Add(value, tags);
        }
    }

    private static MetricShape ShapeOf(Instrument instrument) => instrument.GetType().Name switch
    {
        var type when type.StartsWith("Histogram", StringComparison.Ordinal) => MetricShape.Histogram,
        var type when type.StartsWith("Counter", StringComparison.Ordinal) || type.StartsWith("ObservableCounter", StringComparison.Ordinal) => MetricShape.Counter,
        _ => MetricShape.Gauge,
    };
}
