using System.Globalization;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>One instrument's numbers, by label set.</summary>
internal sealed class MetricSeries(string name, string? description, MetricShape shape)
{
    // Beyond this many label sets an instrument's further ones are counted under none: a metric must not grow with its input.
    private const int SeriesMax = 2_000;

    private static readonly double[] BucketBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    // Writing labels down takes longer than anything else here: those of the label sets that come first are looked up as they come.
    private const int KnownMax = 32;

    private readonly Dictionary<string, Cell> cells = new(StringComparer.Ordinal);
    private Known[] known = [];
    private readonly Lock gate = new();

    public string Name => name;

    /// <summary>Observable instruments give all their numbers anew each time.</summary>
    public void Clear()
    {
        lock (gate)
        {
            cells.Clear();
            known = [];
        }
    }

    public void Add(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Find(tags) is { } labelled)
        {
            lock (gate)
            {
                labelled.Add(value, shape);
            }

            return;
        }

        var labels = Labels(tags);
        lock (gate)
        {
            if (!cells.TryGetValue(labels, out var cell))
            {
                if (cells.Count >= SeriesMax)
                {
                    labels = "";
                }

                if (!cells.TryGetValue(labels, out cell))
                {
                    cells[labels] = cell = new Cell(shape == MetricShape.Histogram ? new long[BucketBounds.Length] : []);
                }
            }

            cell.Add(value, shape);
            if (known.Length < KnownMax)
            {
                known = [.. known, new Known(tags.ToArray(), cell)];
            }
        }
    }

    private Cell? Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var one in Volatile.Read(ref known))
        {
            if (one.Has(tags))
            {
                return one.Cell;
            }
        }

        return null;
    }

    public void Write(TextWriter text)
    {
        text.Write($"# HELP {name} {description?.ReplaceLineEndings(" ").Replace("\\", "\\\\", StringComparison.Ordinal)}\n");
        text.Write($"# TYPE {name} {shape.ToString().ToLowerInvariant()}\n");
        lock (gate)
        {
            foreach (var (labels, cell) in cells.OrderBy(cell => cell.Key, StringComparer.Ordinal))
            {
                Write(text, labels, cell);
            }
        }
    }

    private void Write(TextWriter text, string labels, Cell cell)
    {
        if (shape != MetricShape.Histogram)
        {
            text.Write($"{name}{Braced(labels)} {Number(cell.Sum)}\n");
            return;
        }

        var prefix = labels.Length == 0 ? "" : labels + ",";
        for (var index = 0; index < BucketBounds.Length; index++)
        {
            text.Write($"{name}_bucket{{{prefix}le=\"{Number(BucketBounds[index])}\"}} {cell.Buckets[index].ToString(CultureInfo.InvariantCulture)}\n");
        }

        text.Write($"{name}_bucket{{{prefix}le=\"+Inf\"}} {cell.Count.ToString(CultureInfo.InvariantCulture)}\n");
        text.Write($"{name}_sum{Braced(labels)} {Number(cell.Sum)}\n");
        text.Write($"{name}_count{Braced(labels)} {cell.Count.ToString(CultureInfo.InvariantCulture)}\n");
    }

    private static string Braced(string labels) => labels.Length == 0 ? "" : "{" + labels + "}";

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var parts = new string[tags.Length];
        for (var index = 0; index < tags.Length; index++)
        {
            parts[index] = $"{tags[index].Key}=\"{Escape(Convert.ToString(tags[index].Value, CultureInfo.InvariantCulture) ?? "")}\"";
        }

        Array.Sort(parts, StringComparer.Ordinal);
        return string.Join(',', parts);
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    // Of tags in the order in which they were given.
    private sealed record Known(KeyValuePair<string, object?>[] Tags, Cell Cell)
    {
        public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> others)
        {
            if (others.Length != Tags.Length)
            {
                return false;
            }

            for (var index = 0; index < Tags.Length; index++)
            {
                if (Tags[index].Key != others[index].Key || !Equals(Tags[index].Value, others[index].Value))
                {
                    return false;
                }
            }

            return true;
        }
    }

    private sealed class Cell(long[] buckets)
    {
        public long[] Buckets => buckets;

        public double Sum { get; private set; }

        public long Count { get; private set; }

        public void Add(double value, MetricShape shape)
        {
            Sum += value;
            Count++;
            if (shape == MetricShape.Histogram)
            {
                for (var index = 0; index < BucketBounds.Length; index++)
                {
                    if (value <= BucketBounds[index])
                    {
                        buckets[index]++;
                    }
                }
            }
        }
    }
}

/// <summary>The Prometheus types that are written.</summary>
internal enum MetricShape
{
    Counter,
    Gauge,
    Histogram,
}
