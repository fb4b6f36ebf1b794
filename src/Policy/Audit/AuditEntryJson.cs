using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Audit;

/// <summary>
/// The one form of an entry, flat, for HTTP, exports and the hash: <c>{seq, at, actor, action, subject, code?, stage_id?, target_percentage?,
/// metrics?, hour_seconds?, reason?, interface?, detail?, prev_hash, hash}</c>. Times have six digits after the second and end with Z, so
/// that an entry keeps its hash wherever it was stored. Unknown fields are refused: nothing is in an entry that its hash does not cover.
/// </summary>
internal sealed class AuditEntryJson : JsonConverter<AuditEntry>
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public override AuditEntry Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize<Form>(ref reader, PolicyJson.Options) ?? throw new JsonException("An entry is an object.");
        if (!DateTimeOffset.TryParse(form.At, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at))
        {
            throw new JsonException("'at' is no time.");
        }

        var draft = new AuditDraft
        {
            At = at.ToUniversalTime(),
            Actor = form.Actor,
            Action = form.Action,
            Subject = form.Subject,
            Code = form.Code,
            StageId = form.StageId,
            TargetPercentage = form.TargetPercentage,
            Metrics = form.Metrics,
            HourSeconds = form.HourSeconds,
            Reason = form.Reason,
            Interface = form.Interface,
            Detail = form.Detail,
        };
        return new AuditEntry(form.Seq, draft, form.PrevHash, form.Hash ?? throw new JsonException("'hash' is missing."));
    }

    public override void Write(Utf8JsonWriter writer, AuditEntry value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, FormOf(value.Seq, value.Draft, value.PrevHash, value.Hash), PolicyJson.Options);

    /// <summary>The bytes that are hashed, before they are made canonical: the entry without <c>hash</c>.</summary>
    public static byte[] WithoutHash(long seq, AuditDraft draft, string prevHash) =>
        JsonSerializer.SerializeToUtf8Bytes(FormOf(seq, draft, prevHash, null), PolicyJson.Options);

    private static Form FormOf(long seq, AuditDraft draft, string prevHash, string? hash) => new()
    {
        Seq = seq,
        At = draft.At.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture),
        Actor = draft.Actor,
        Action = draft.Action,
        Subject = draft.Subject,
        Code = draft.Code,
        StageId = draft.StageId,
        TargetPercentage = draft.TargetPercentage,
        Metrics = draft.Metrics,
        HourSeconds = draft.HourSeconds,
        Reason = draft.Reason,
        Interface = draft.Interface,
        Detail = draft.Detail,
        PrevHash = prevHash,
        Hash = hash,
    };

    [JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
    private sealed record Form
    {
        public required long Seq { get; init; }

        public required string At { get; init; }

        public required string Actor { get; init; }

        public required string Action { get; init; }

        public required string Subject { get; init; }

        public string? Code { get; init; }

        public string? StageId { get; init; }

        public decimal? TargetPercentage { get; init; }

        public ImmutableSortedDictionary<string, double>? Metrics { get; init; }

        public double? HourSeconds { get; init; }

        public string? Reason { get; init; }

        public string? Interface { get; init; }

        public ImmutableSortedDictionary<string, string>? Detail { get; init; }

        public required string PrevHash { get; init; }

        public string? Hash { get; init; }
    }
}
