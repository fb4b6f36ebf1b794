using OrleansPolicy.Decisions;

namespace OrleansPolicy.Review;

/// <summary>Makes the decisions of a log again under another bundle, one record at a time, and counts what cannot be made again.</summary>
/// <param name="rules">The other bundle.</param>
/// <param name="madeBy">Makes only what this bundle decided again; null: whatever a bundle decided.</param>
public sealed class DecisionReplay(RuleSet rules, string? madeBy = null)
{
    private readonly DecisionDiffBuilder diff = new();
    private readonly SortedDictionary<string, long> versions = new(StringComparer.Ordinal);
    private long records;
    private long masked;
    private long dropped;
    private long refused;
    private long others;
    private long lost;
    private long unreadable;
    private long firstUnreadable;

    /// <summary>Adds a line that was read, or that could not be.</summary>
    public void Add(Outcome<DecisionRecord> line)
    {
        ArgumentNullException.ThrowIfNull(line);
        records++;
        if (!line.Succeeded)
        {
            unreadable++;
            firstUnreadable = unreadable == 1 ? records : firstUnreadable;
            return;
        }

        var record = line.Value;
        if (record.Lost is { } loss)
        {
            lost += loss.Count;
        }
        else if (record.PolicyHash is null)
        {
            refused++; // No bundle decided, so there is nothing to compare.
        }
        else if (madeBy is not null && record.PolicyHash != madeBy)
        {
            others++;
        }
        else if (record.ContextKept == ContextKept.Whole)
        {
            var request = new ReviewRequest(record.CapabilityId, record.Context, record.At);
            diff.Add(request, record.Decision, rules.Decide(request.ToDecisionRequest()));
            var version = record.PolicyVersion ?? record.PolicyHash;
            versions[version] = versions.GetValueOrDefault(version) + 1;
        }
        else
        {
            masked += record.ContextKept == ContextKept.Masked ? 1 : 0;
            dropped += record.ContextKept == ContextKept.Dropped ? 1 : 0;
        }
    }

    /// <summary>What came of the lines so far.</summary>
    public ReplayReport ToReport() => new()
    {
        Records = records,
        Masked = masked,
        Dropped = dropped,
        Refused = refused,
        Others = others,
        Lost = lost,
        Unreadable = unreadable,
        FirstUnreadable = unreadable > 0 ? firstUnreadable : null,
        ByVersion = new SortedDictionary<string, long>(versions, StringComparer.Ordinal),
        Diff = diff.ToDiff(),
    };
}

/// <summary>What came of a log under another bundle.</summary>
public sealed record ReplayReport
{
    /// <summary>How many lines the log has.</summary>
    public required long Records { get; init; }

    /// <summary>Records whose context was changed before it was written: not made again.</summary>
    public required long Masked { get; init; }

    /// <summary>Records whose context was not written: not made again.</summary>
    public required long Dropped { get; init; }

    /// <summary>Records of a node that refused to serve (<c>decide.*</c>): no bundle decided.</summary>
    public required long Refused { get; init; }

    /// <summary>Records of another bundle than the one whose decisions were to be made again.</summary>
    public long Others { get; init; }

    /// <summary>Records that the log itself says it does not have.</summary>
    public required long Lost { get; init; }

    /// <summary>Lines that are no records.</summary>
    public required long Unreadable { get; init; }

    /// <summary>The number of the first of them, from 1.</summary>
    public long? FirstUnreadable { get; init; }

    /// <summary>How many of the records that were made again each version had decided.</summary>
    public required IReadOnlyDictionary<string, long> ByVersion { get; init; }

    /// <summary>What is decided differently, of what was made again.</summary>
    public required DecisionDiff Diff { get; init; }
}
