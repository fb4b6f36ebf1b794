using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Fleets;

/// <summary>
/// Observations of one metric: how many, and their sum, so that a rate or a mean over many nodes is the true one.
/// In JSON a bare number is one observation.
/// </summary>
/// <param name="Count">How many observations; not negative.</param>
/// <param name="Sum">Their sum; finite.</param>
/// <param name="Buckets">For percentiles: how many observations at or below each upper bound (its text a number), cumulative.</param>
[JsonConverter(typeof(MetricValueConverter))]
public sealed record MetricValue(double Count, double Sum, ImmutableSortedDictionary<string, double>? Buckets = null)
{
    /// <summary>Whether the numbers can be added up: finite, no negative count.</summary>
    public bool IsSound =>
        double.IsFinite(Count) && Count >= 0 && double.IsFinite(Sum)
        && (Buckets is null || Buckets.Values.All(value => double.IsFinite(value) && value >= 0));
}

internal sealed class MetricValueConverter : JsonConverter<MetricValue>
{
    public override MetricValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            return new MetricValue(1, reader.GetDouble());
        }

        var parts = JsonSerializer.Deserialize<Parts>(ref reader, options) ?? throw new JsonException("A metric is a number or an object.");
        return new MetricValue(parts.Count, parts.Sum, parts.Buckets);
    }

    public override void Write(Utf8JsonWriter writer, MetricValue value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Parts(value.Count, value.Sum, value.Buckets), options);

    private sealed record Parts(
        [property: JsonRequired] double Count, [property: JsonRequired] double Sum, ImmutableSortedDictionary<string, double>? Buckets);
}
