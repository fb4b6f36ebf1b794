using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Decisions;

/// <summary>
/// One line of a decision log: who decided what, when, under which bundle. A log is a file of such lines, each one JSON object
/// (<see cref="PolicyJson"/>) and a newline: <c>{"at": RFC 3339, "node", "fleet", "capability_id", "context": {...}, "decision":
/// {"allowed", "require_confirmation", "reason", "rule_id", ...}, "policy_version", "policy_hash", "epoch"}</c>. Members that are
/// null are left out, unknown ones are passed over.
/// </summary>
public sealed record DecisionRecord
{
    /// <summary>The longest line that is read, in bytes, without its newline.</summary>
    public const int LineBytesMax = 1024 * 1024;

    /// <summary>When, on the clock of whoever decided; time windows were held against it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The node that decided.</summary>
    public string? Node { get; init; }

    /// <summary>Its fleet.</summary>
    public string? Fleet { get; init; }

    /// <summary>What was asked for.</summary>
    public required string CapabilityId { get; init; }

    /// <summary>What was known about the request; null where that was nothing, or was not kept.</summary>
    public JsonElement? Context { get; init; }

    /// <summary>How much of the context is left.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ContextKept ContextKept { get; init; }

    /// <summary>The answer.</summary>
    public required Decision Decision { get; init; }

    /// <summary>The version that decided; null where the node refused to serve.</summary>
    public string? PolicyVersion { get; init; }

    /// <summary>The hash of the bundle that decided; null where the node refused to serve.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The highest epoch the node had heard.</summary>
    public long Epoch { get; init; }

    /// <summary>Set where the line is no decision and stands for records that were lost.</summary>
    public RecordLoss? Lost { get; init; }

    /// <summary>The line with its newline. A context that cannot be written (half a surrogate pair in a text) is dropped, and the line says so.</summary>
    public byte[] ToLine()
    {
        try
        {
            return Write(this);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            return Write(this with { Context = null, ContextKept = ContextKept.Dropped });
        }
    }

    /// <summary>Reads one line. Never throws; the codes are <c>decision_record.too_long</c> and <c>decision_record.malformed</c>.</summary>
    public static Outcome<DecisionRecord> Read(ReadOnlyMemory<byte> line)
    {
        if (line.Length > LineBytesMax)
        {
            return Outcome<DecisionRecord>.Fail("decision_record.too_long", $"A line has at most {LineBytesMax} bytes, this one has {line.Length}.");
        }

        JsonElement json;
        try
        {
            json = JsonSerializer.Deserialize<JsonElement>(line.Span, PolicyJson.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Malformed(e.Message);
        }

        try
        {
            var record = json.Deserialize<DecisionRecord>(PolicyJson.Options);

            // An answer that is missing must not pass for a denial.
            return record is { CapabilityId: not null, Decision.Reason: not null } && json.GetProperty("decision").TryGetProperty("allowed", out _)
                ? Outcome<DecisionRecord>.Ok(record)
                : Malformed("A record has at, capability_id, and a decision with allowed and reason.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Malformed(e is JsonException wrong ? $"{wrong.Path}: {PolicyJson.Describe(wrong)}" : e.Message);
        }
    }

    private static Outcome<DecisionRecord> Malformed(string why) => Outcome<DecisionRecord>.Fail("decision_record.malformed", why);

    private static byte[] Write(DecisionRecord record)
    {
        using var stream = new MemoryStream();
        JsonSerializer.Serialize(stream, record, PolicyJson.Options);
        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }
}
