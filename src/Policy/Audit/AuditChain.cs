using OrleansPolicy.Bundles;

namespace OrleansPolicy.Audit;

/// <summary>
/// A tenant's chain of entries. Each entry's hash is the lower-case hexadecimal SHA-256 over the RFC 8785 form of its JSON without
/// <c>hash</c>; as that holds the hash of the entry before, nobody changes, removes, inserts or reorders an entry without every hash
/// behind it changing. Who keeps a head elsewhere also finds a cut tail, and a chain that was computed anew.
/// </summary>
public static class AuditChain
{
    /// <summary>An entry's content does not have its hash.</summary>
    public const string ChangedCode = "audit.entry_changed";

    /// <summary>An entry is not there.</summary>
    public const string MissingCode = "audit.entry_missing";

    /// <summary>An entry stands where another belongs: reordered, inserted or doubled.</summary>
    public const string OutOfPlaceCode = "audit.entry_out_of_place";

    /// <summary>An entry does not follow from the one before.</summary>
    public const string BrokenCode = "audit.link_broken";

    /// <summary>The chain ends before the expected head.</summary>
    public const string CutCode = "audit.tail_cut";

    /// <summary>The chain is consistent, but not the one that the expected head was of.</summary>
    public const string RewrittenCode = "audit.rewritten";

    /// <summary>The entry that follows a head.</summary>
    public static AuditEntry Append(AuditHead head, AuditDraft draft)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(draft);
        var seq = head.Seq + 1;
        return new AuditEntry(seq, draft, head.Hash, HashOf(seq, draft, head.Hash));
    }

    /// <summary>The hash that an entry with this content must have.</summary>
    public static string HashOf(long seq, AuditDraft draft, string prevHash) =>
        CanonicalJson.Hash(CanonicalJson.Canonicalize(AuditEntryJson.WithoutHash(seq, draft, prevHash)));

    /// <summary>
    /// Checks entries one by one, in the order given; the problem names the first number at which something is wrong.
    /// </summary>
    /// <param name="entries">The chain from its beginning, or from <paramref name="from"/> on.</param>
    /// <param name="expectedHead">A head kept elsewhere, of this or an earlier time: the chain must contain it.</param>
    /// <param name="from">The head before the first entry, where a part is checked; null: the chain's beginning.</param>
    public static AuditVerification Verify(IEnumerable<AuditEntry> entries, AuditHead? expectedHead = null, AuditHead? from = null)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var head = from ?? AuditHead.Empty;
        var checkedEntries = 0L;
        var metExpected = expectedHead is null || expectedHead == head;
        foreach (var entry in entries)
        {
            if (Check(head, entry) is { } problem)
            {
                return new AuditVerification(false, checkedEntries, head, problem.Problem, problem.Seq);
            }

            head = new AuditHead(entry.Seq, entry.Hash);
            checkedEntries++;
            if (expectedHead is null || entry.Seq != expectedHead.Seq)
            {
                continue;
            }

            if (entry.Hash != expectedHead.Hash)
            {
                return Wrong(RewrittenCode, $"Entry {entry.Seq} is not the one that the expected head was of: the chain was computed anew.", entry.Seq);
            }

            metExpected = true;
        }

        return metExpected
            ? new AuditVerification(true, checkedEntries, head)
            : Wrong(CutCode, $"Entry {head.Seq + 1} is missing: the chain ends before it, and the expected head is entry {expectedHead!.Seq}.", head.Seq + 1);

        AuditVerification Wrong(string code, string message, long seq) =>
            new(false, checkedEntries, head, new Problem(code, message, PathOf(seq)), seq);
    }

    private static (Problem Problem, long Seq)? Check(AuditHead head, AuditEntry entry)
    {
        var expected = head.Seq + 1;
        if (entry.Seq > expected)
        {
            return Found(MissingCode, $"Entry {expected} is missing: entry {entry.Seq} stands in its place.", expected);
        }

        if (entry.Seq < expected)
        {
            return Found(OutOfPlaceCode, $"Entry {entry.Seq} stands where entry {expected} belongs.", entry.Seq);
        }

        if (entry.PrevHash != head.Hash)
        {
            return Found(BrokenCode, $"Entry {entry.Seq} does not follow from entry {head.Seq}: one of them was changed or put there later.", entry.Seq);
        }

        return entry.Hash == HashOf(entry.Seq, entry.Draft, entry.PrevHash)
            ? null
            : Found(ChangedCode, $"Entry {entry.Seq} was changed: its content does not have its hash.", entry.Seq);
    }

    private static (Problem Problem, long Seq) Found(string code, string message, long seq) => (new Problem(code, message, PathOf(seq)), seq);

    private static string PathOf(long seq) => $"$[?@.seq=={seq}]";
}
