using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Silo.DecisionLogs;

/// <summary>One record on its way into a log.</summary>
/// <param name="Node">Who decided.</param>
/// <param name="At">When, on its clock.</param>
/// <param name="Line">The record as it came, without a line end.</param>
public sealed record LoggedDecision(string Node, DateTimeOffset At, string Line);

/// <summary>Reads what was uploaded, JSON lines or one JSON list: all of it or nothing, so that a batch means the same whenever it is sent.</summary>
public static class DecisionBatch
{
    /// <summary>How many records one batch may have.</summary>
    public const int RecordsMax = 10_000;

    /// <summary>The longest record, in bytes.</summary>
    public const int RecordBytesMax = 64 * 1024;

    /// <summary>How many bad records an answer names.</summary>
    private const int ProblemsMax = 20;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>
    /// The records. Fails with <c>decision_record.malformed</c>, <c>decision_record.too_long</c>, <c>decision_log.fleet</c>,
    /// <c>decision_log.records</c>, <c>auth.node</c>, <see cref="Names.InvalidCode"/>; each names its place.
    /// </summary>
    /// <param name="body">What came.</param>
    /// <param name="fleet">The fleet it came for.</param>
    /// <param name="onlyNode">The one node that the sender speaks for; null: any.</param>
    public static Outcome<ImmutableArray<LoggedDecision>> Read(ReadOnlyMemory<byte> body, string fleet, string? onlyNode)
    {
        var split = body.Span.TrimStart(" \t\r\n"u8) is [(byte)'[', ..] ? SplitList(body) : SplitLines(body);
        if (!split.Succeeded)
        {
            return split.As<ImmutableArray<LoggedDecision>>();
        }

        if (split.Value.Count is 0 or > RecordsMax)
        {
            return Outcome<ImmutableArray<LoggedDecision>>.Fail("decision_log.records", $"Send 1 to {RecordsMax} records at once.");
        }

        var records = ImmutableArray.CreateBuilder<LoggedDecision>(split.Value.Count);
        var problems = ImmutableArray.CreateBuilder<Problem>();
        foreach (var line in split.Value)
        {
            var read = ReadOne(line, fleet, onlyNode, $"$[{records.Count + problems.Count}]");
            if (read.Succeeded)
            {
                records.Add(read.Value);
            }
            else
            {
                problems.AddRange(read.Problems);
            }

            if (problems.Count >= ProblemsMax)
            {
                break;
            }
        }

        return problems.Count == 0
            ? Outcome<ImmutableArray<LoggedDecision>>.Ok(records.DrainToImmutable())
            : Outcome<ImmutableArray<LoggedDecision>>.Fail(problems.DrainToImmutable());
    }

    private static Outcome<LoggedDecision> ReadOne(ReadOnlyMemory<byte> line, string fleet, string? onlyNode, string path)
    {
        if (line.Length > RecordBytesMax)
        {
            return Outcome<LoggedDecision>.Fail("decision_record.too_long", $"A record has at most {RecordBytesMax} bytes, this one has {line.Length}.", path);
        }

        var read = DecisionRecord.Read(line);
        if (!read.Succeeded)
        {
            return Outcome<LoggedDecision>.Fail(read.Problems[0].Code, read.Problems[0].Message, path);
        }

        var record = read.Value;
        if (Names.Check(record.Node, "The node of a record", path + ".node") is { } unnamed)
        {
            return Outcome<LoggedDecision>.Fail([unnamed]);
        }

        if (onlyNode is not null && record.Node != onlyNode)
        {
            return Outcome<LoggedDecision>.Fail("auth.node", "The key acts for another node.", path + ".node");
        }

        if (record.Fleet is not null && record.Fleet != fleet)
        {
            return Outcome<LoggedDecision>.Fail("decision_log.fleet", $"The record is of another fleet than {fleet}.", path + ".fleet");
        }

        try
        {
            return Outcome<LoggedDecision>.Ok(new LoggedDecision(record.Node!, record.At, Strict.GetString(line.Span)));
        }
        catch (DecoderFallbackException)
        {
            return Outcome<LoggedDecision>.Fail("decision_record.malformed", "The record is no UTF-8.", path);
        }
    }

    private static Outcome<List<ReadOnlyMemory<byte>>> SplitLines(ReadOnlyMemory<byte> body)
    {
        var lines = new List<ReadOnlyMemory<byte>>();
        foreach (var range in body.Span.Split((byte)'\n'))
        {
            var line = body[range];
            if (!line.Span.Trim(" \t\r"u8).IsEmpty)
            {
                lines.Add(line.Span[^1] == (byte)'\r' ? line[..^1] : line);
            }
        }

        return Outcome<List<ReadOnlyMemory<byte>>>.Ok(lines);
    }

    private static Outcome<List<ReadOnlyMemory<byte>>> SplitList(ReadOnlyMemory<byte> body)
    {
        try
        {
            // Written anew: a record in a list may stand on several lines.
            return Outcome<List<ReadOnlyMemory<byte>>>.Ok(
                [.. JsonElement.Parse(body.Span).EnumerateArray().Select(element => (ReadOnlyMemory<byte>)JsonSerializer.SerializeToUtf8Bytes(element, PolicyJson.Options))]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return Outcome<List<ReadOnlyMemory<byte>>>.Fail("json.malformed", "The body is neither a JSON list nor JSON lines.");
        }
    }
}
