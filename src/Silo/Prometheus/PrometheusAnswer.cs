using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>What became of one question.</summary>
/// <param name="Value">The number, finite; null where there is none.</param>
/// <param name="At">The moment that the server says it is about.</param>
/// <param name="Code">Why there is no number: one of <see cref="QueryCodes"/>.</param>
/// <param name="Detail">The same for people.</param>
internal sealed record PrometheusAnswer(double? Value, DateTimeOffset? At, string? Code, string? Detail)
{
    private const int DetailMax = 300;

    // What PromQL answers nests five deep; labels no deeper.
    private static readonly JsonDocumentOptions Shallow = new() { MaxDepth = 16 };

    /// <summary>The server said something else than one number, or nothing.</summary>
    public static PrometheusAnswer None(string code, string detail) => new(null, null, code, detail);

    /// <summary>Reads the body of a successful answer. Whatever it is: nothing throws.</summary>
    public static PrometheusAnswer Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, Shallow);
            return Read(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            return None(QueryCodes.Failed, "What it answers is no answer to a query.");
        }
    }

    /// <summary>What the server says is wrong, where it does.</summary>
    public static string? ReadError(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, Shallow);
            return json.RootElement.GetProperty("error").GetString() is { } error ? Short(error) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static PrometheusAnswer Read(JsonElement json)
    {
        if (json.GetProperty("status").GetString() != "success")
        {
            return None(QueryCodes.Failed, Short(json.GetProperty("error").GetString() ?? ""));
        }

        // Prometheus warns where it could not ask everybody: an answer that may lack the errors is none.
        if (json.TryGetProperty("warnings", out var warnings) && warnings.ValueKind == JsonValueKind.Array && warnings.GetArrayLength() > 0)
        {
            return None(QueryCodes.Failed, "It warns that the answer is not whole: " + Short(warnings[0].GetString() ?? ""));
        }

        var data = json.GetProperty("data");
        var result = data.GetProperty("result");
        return data.GetProperty("resultType").GetString() switch
        {
            "scalar" => ReadNumber(result),
            "vector" => result.GetArrayLength() switch
            {
                0 => None(QueryCodes.Empty, "There is no series."),
                1 => result[0].TryGetProperty("value", out var sample) ? ReadNumber(sample) : None(QueryCodes.Failed, "The series is a histogram, and no number."),
                var count => None(QueryCodes.Several, $"There are {count} series: sum them up, or say which."),
            },
            var type => None(QueryCodes.Failed, $"The answer is of the type {Short(type ?? "")}, and no number."),
        };
    }

    // [seconds, "number"]
    private static PrometheusAnswer ReadNumber(JsonElement sample)
    {
        if (sample.GetArrayLength() != 2)
        {
            return None(QueryCodes.Failed, "The answer is no number with its time.");
        }

        var (seconds, text) = (sample[0].GetDouble(), sample[1].GetString());
        if (seconds is not (>= 0 and < 1e11))
        {
            return None(QueryCodes.Failed, "The answer is of no time.");
        }

        if (text is "NaN" or "+Inf" or "-Inf")
        {
            return None(QueryCodes.NotANumber, $"The answer is {text}.");
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? new PrometheusAnswer(value, DateTimeOffset.UnixEpoch.AddSeconds(seconds), null, null)
            : None(QueryCodes.Failed, "The answer is no number.");
    }

    // It goes into a log: one line, and not a long one.
    private static string Short(string text) =>
        new([.. text.Take(DetailMax).Select(character => char.IsControl(character) ? ' ' : character)]);
}
