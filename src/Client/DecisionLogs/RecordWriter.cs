using System.Buffers;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>
/// Writes a <see cref="DecisionRecord"/> as a line of JSON into memory that the thread keeps: nothing is allocated for a record once the
/// thread has written one, and nothing of the caller's is held on to.
/// </summary>
internal sealed class RecordWriter(string node, string fleet, ContextMask? mask)
{
    /// <summary>The capability under which a log says that records are missing.</summary>
    public const string LostCapability = "decision_log.lost";

    /// <summary>No line about a loss is longer: its names have at most 63 characters each.</summary>
    public const int LossBytesMax = 1024;

    private const int CapabilityCharsMax = 256;

    private const int KeptBytesMax = 256 * 1024;

    private static readonly JsonEncodedText At = JsonEncodedText.Encode("at");
    private static readonly JsonEncodedText NodeName = JsonEncodedText.Encode("node");
    private static readonly JsonEncodedText FleetName = JsonEncodedText.Encode("fleet");
    private static readonly JsonEncodedText CapabilityId = JsonEncodedText.Encode("capability_id");
    private static readonly JsonEncodedText Context = JsonEncodedText.Encode("context");
    private static readonly JsonEncodedText Kept = JsonEncodedText.Encode("context_kept");
    private static readonly JsonEncodedText Masked = JsonEncodedText.Encode("masked");
    private static readonly JsonEncodedText Dropped = JsonEncodedText.Encode("dropped");
    private static readonly JsonEncodedText Answer = JsonEncodedText.Encode("decision");
    private static readonly JsonEncodedText Allowed = JsonEncodedText.Encode("allowed");
    private static readonly JsonEncodedText RequireConfirmation = JsonEncodedText.Encode("require_confirmation");
    private static readonly JsonEncodedText Reason = JsonEncodedText.Encode("reason");
    private static readonly JsonEncodedText RuleId = JsonEncodedText.Encode("rule_id");
    private static readonly JsonEncodedText SuggestedAlternative = JsonEncodedText.Encode("suggested_alternative");
    private static readonly JsonEncodedText RiskLevel = JsonEncodedText.Encode("risk_level");
    private static readonly JsonEncodedText PolicyVersion = JsonEncodedText.Encode("policy_version");
    private static readonly JsonEncodedText PolicyHash = JsonEncodedText.Encode("policy_hash");
    private static readonly JsonEncodedText Epoch = JsonEncodedText.Encode("epoch");
    private static readonly JsonEncodedText Lost = JsonEncodedText.Encode("lost");

    [ThreadStatic]
    private static Sheet? _sheet;

    private readonly JsonEncodedText _node = JsonEncodedText.Encode(node);
    private readonly JsonEncodedText _fleet = JsonEncodedText.Encode(fleet);

    /// <summary>The line with its newline; good until this thread writes the next one.</summary>
    public ReadOnlySpan<byte> Write(string capabilityId, DecisionContext? context, in NodeDecision answer)
    {
        var sheet = Fresh();
        try
        {
            Write(sheet, capabilityId, context, isDropped: context is { Utf8.IsEmpty: true }, answer);
            if (sheet.Line() is { Length: <= DecisionLogOptions.RecordBytesMax } line)
            {
                return line;
            }
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            // A text with half a surrogate pair has no form in UTF-8.
        }

        sheet = Fresh();
        Write(sheet, Short(capabilityId), null, isDropped: true, answer);
        return sheet.Line();
    }

    /// <summary>The line that says how many records are missing between two moments.</summary>
    public byte[] WriteLoss(long count, DateTimeOffset from, DateTimeOffset to)
    {
        // Not the thread's own: that one may hold the line which now finds room.
        var sheet = new Sheet();
        var json = sheet.Json;
        json.WriteStartObject();
        Begin(json, to, LostCapability);
        WriteDecision(json, Refusals.LogLost);
        json.WriteNumber(Epoch, 0);
        json.WriteStartObject(Lost);
        json.WriteNumber("count", count);
        json.WriteString("from", from);
        json.WriteString("to", to);
        json.WriteEndObject();
        json.WriteEndObject();
        return sheet.Line().ToArray();
    }

    private static Sheet Fresh()
    {
        if (_sheet is not { Bytes.Capacity: <= KeptBytesMax } sheet)
        {
            return _sheet = new Sheet();
        }

        sheet.Bytes.ResetWrittenCount();
        sheet.Json.Reset();
        return sheet;
    }

    private static string Short(string capabilityId) => capabilityId.Length > CapabilityCharsMax ? capabilityId[..CapabilityCharsMax] : capabilityId;

    private static void WriteDecision(Utf8JsonWriter json, Decision decision)
    {
        json.WriteStartObject(Answer);
        json.WriteBoolean(Allowed, decision.Allowed);
        json.WriteBoolean(RequireConfirmation, decision.RequireConfirmation);
        json.WriteString(Reason, decision.Reason);
        json.WriteString(RuleId, decision.RuleId);
        json.WriteString(SuggestedAlternative, decision.SuggestedAlternative);
        json.WriteString(RiskLevel, decision.RiskLevel);
        json.WriteEndObject();
    }

    private void Begin(Utf8JsonWriter json, DateTimeOffset at, string capabilityId)
    {
        json.WriteString(At, at);
        json.WriteString(NodeName, _node);
        json.WriteString(FleetName, _fleet);
        json.WriteString(CapabilityId, capabilityId);
    }

    private void Write(Sheet sheet, string capabilityId, DecisionContext? context, bool isDropped, in NodeDecision answer)
    {
        var json = sheet.Json;
        json.WriteStartObject();
        Begin(json, answer.Timestamp, capabilityId);
        if (isDropped)
        {
            json.WriteString(Kept, Dropped);
        }
        else if (context is not null && context.Read(0, out _) is [not (byte)'n', ..])
        {
            // No context, and null, are left out.
            json.WritePropertyName(Context);
            ContextCopy.Write(json, context, mask);
            if (mask is not null)
            {
                json.WriteString(Kept, Masked);
            }
        }

        // A decision's risk level is the request's own word: it may be as broken as the context.
        WriteDecision(json, isDropped ? answer.Decision with { RiskLevel = null } : answer.Decision);
        if (answer.PolicyHash is { } hash)
        {
            json.WriteString(PolicyVersion, answer.PolicyVersion);
            json.WriteString(PolicyHash, hash);
        }

        json.WriteNumber(Epoch, answer.Epoch);
        json.WriteEndObject();
    }

    private sealed class Sheet
    {
        public Sheet()
        {
            Json = new Utf8JsonWriter(Bytes, new JsonWriterOptions { Encoder = PolicyJson.Options.Encoder, SkipValidation = true });
        }

        public ArrayBufferWriter<byte> Bytes { get; } = new(2048);

        public Utf8JsonWriter Json { get; }

        public ReadOnlySpan<byte> Line()
        {
            Json.Flush();
            Bytes.GetSpan(1)[0] = (byte)'\n';
            Bytes.Advance(1);
            return Bytes.WrittenSpan;
        }
    }
}
