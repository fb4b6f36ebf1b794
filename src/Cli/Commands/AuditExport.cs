using System.Text.Json;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Cli.Commands;

/// <summary>Reads an export of the audit: the entries as the API writes them, as one list (bare or under <c>entries</c>) or one in each line.</summary>
internal static class AuditExport
{
    public static async Task<List<AuditEntry>> ReadAsync(string path, CliHost host, CancellationToken cancellationToken)
    {
        var bytes = await CliFiles.ReadAsync(path, host, cancellationToken);
        try
        {
            return [.. Elements(bytes).Select(Entry)];
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw CliException.File($"{path} is no export of the audit: {e.Message}");
        }
    }

    private static List<JsonElement> Elements(byte[] bytes)
    {
        var elements = new List<JsonElement>();
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { AllowMultipleValues = true });
        while (reader.Read())
        {
            var root = JsonElement.ParseValue(ref reader);
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("entries", out var inner))
            {
                root = inner;
            }

            if (root.ValueKind == JsonValueKind.Array)
            {
                elements.AddRange(root.EnumerateArray());
            }
            else
            {
                elements.Add(root);
            }
        }

        return elements;
    }

    private static AuditEntry Entry(JsonElement entry) => new(
        entry.GetProperty("seq").GetInt64(),
        entry.Deserialize<AuditDraft>(PolicyJson.Options)!,
        entry.GetProperty("prev_hash").GetString()!,
        entry.GetProperty("hash").GetString()!);
}
