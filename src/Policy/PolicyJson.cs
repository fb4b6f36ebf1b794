using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansPolicy;

/// <summary>The one JSON form of our records: on the wire, between grains and in storage (RFC 8259, snake_case, times in RFC 3339 UTC).</summary>
public static class PolicyJson
{
    /// <summary>Shared and read-only. Nulls are left out; enums are written as snake_case words unless they name their own.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>What is wrong with JSON that is not of a record's form. The serializer's own sentence names our types; whoever wrote the JSON needs the field.</summary>
    /// <param name="exception">What the serializer threw.</param>
    public static string Describe(JsonException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        const string Missing = "including: ";
        var at = exception.Message.IndexOf(Missing, StringComparison.Ordinal);
        return at < 0
            ? "The value is not of the type that is expected here."
            : "Missing: " + exception.Message[(at + Missing.Length)..].Split(". Path")[0].TrimEnd('.') + ".";
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            NumberHandling = JsonNumberHandling.Strict,
            PropertyNameCaseInsensitive = false,
            AllowDuplicateProperties = false,
            // jsonb does not keep the order of members, so a stored "$type" need not come first.
            AllowOutOfOrderMetadataProperties = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = 64,
        };
        options.Converters.Add(new ImmutableArrayJson());
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false));
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
