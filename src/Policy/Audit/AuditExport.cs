using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Audit;

/// <summary>Reads exported entries, for checking them offline.</summary>
public static class AuditExport
{
    /// <summary>The text is no export, or an entry of it is no entry.</summary>
    public const string MalformedCode = "audit.malformed";

    /// <summary>
    /// Reads a JSON array of entries, an object with such an array as <c>entries</c>, or entries one after the other (as lines). Fails with
    /// <see cref="MalformedCode"/>, naming the place; never throws.
    /// </summary>
    public static Outcome<ImmutableArray<AuditEntry>> Read(ReadOnlySpan<byte> utf8)
    {
        var entries = ImmutableArray.CreateBuilder<AuditEntry>();
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { AllowMultipleValues = true });
            while (reader.Read())
            {
                using var value = JsonDocument.ParseValue(ref reader);
                var root = value.RootElement;
                if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("entries", out var list))
                {
                    root = list;
                }

                if (root.ValueKind != JsonValueKind.Array)
                {
                    entries.Add(Entry(root));
                    continue;
                }

                foreach (var element in root.EnumerateArray())
                {
                    entries.Add(Entry(element));
                }
            }
        }
        catch (JsonException e)
        {
            return Outcome<ImmutableArray<AuditEntry>>.Fail(MalformedCode, $"Entry {entries.Count + 1} of the export cannot be read: {e.Message}", $"$[{entries.Count}]");
        }

        return Outcome<ImmutableArray<AuditEntry>>.Ok(entries.ToImmutable());
    }

    private static AuditEntry Entry(JsonElement element) =>
        element.Deserialize<AuditEntry>(PolicyJson.Options) ?? throw new JsonException("An entry is an object.");
}
