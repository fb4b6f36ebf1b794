namespace OrleansPolicy.Client;

/// <summary>
/// Where a node's decisions are written down, one <see cref="Decisions.DecisionRecord"/> each: to the control plane, or to files. Writing is
/// done in the background; a decision only serializes its record, at once, since a context's memory belongs to the caller.
/// </summary>
public sealed record DecisionLogOptions
{
    /// <summary>The longest record, in bytes; the context of a longer one is left out, and the record says so (<c>context_kept</c>).</summary>
    public const int RecordBytesMax = 64 * 1024;

    /// <summary>What happens where records cannot be put away fast enough. Default: drop and count.</summary>
    public DecisionLogLoss Loss { get; init; } = DecisionLogLoss.Drop;

    /// <summary>
    /// A folder for files of JSON lines: <c>decisions.ndjson</c>, and older ones beside it. One node at a time writes there (it holds
    /// <c>lock</c>); another one waits with what it has, as for a destination that is away. Null: to the control plane.
    /// </summary>
    public string? Folder { get; init; }

    /// <summary>With <see cref="Folder"/>: how large a file gets before the next is begun. Default 64 MiB.</summary>
    public long FileBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>With <see cref="Folder"/>: how many files are kept, the oldest is deleted. Default 10.</summary>
    public int FilesMax { get; init; } = 10;

    /// <summary>Memory for records that are not put away yet, taken whole at the start. Default 8 MiB, at least 256 KiB.</summary>
    public int QueueBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>How long records may wait for others to travel with. Default 1 s.</summary>
    public TimeSpan BatchWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>With <see cref="DecisionLogLoss.Block"/>: how long a decision may hold its thread. Default 250 ms.</summary>
    public TimeSpan BlockFor { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>With <see cref="DecisionLogLoss.Spill"/>: the folder. One process at a time may use it for a node.</summary>
    public string? SpillFolder { get; init; }

    /// <summary>With <see cref="DecisionLogLoss.Spill"/>: how much may lie there. Default 256 MiB.</summary>
    public long SpillBytesMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>How long a node that stops goes on trying to put away what it still has. Default 5 s.</summary>
    public TimeSpan FlushFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What of a context is left out, as <c>context.subject.token</c>. In lists of objects: of each.</summary>
    public IReadOnlyList<string> DropPaths { get; init; } = [];

    /// <summary>What of a context is replaced by a keyed hash, so that equal values can still be found without being known.</summary>
    public IReadOnlyList<string> HashPaths { get; init; } = [];

    /// <summary>The key of those hashes. The same in all nodes, they can be compared across them; null: drawn anew for each process.</summary>
    public string? HashSecret { get; init; }

    /// <summary>What does not fit together, for a person; null: nothing.</summary>
    internal string? FindProblem(bool toControlPlane)
    {
        if (!toControlPlane && Folder is null)
        {
            return $"A node without a control plane over the network has nobody to send it to: give {nameof(Folder)}.";
        }

        if (QueueBytesMax < 4 * RecordBytesMax)
        {
            return $"{nameof(QueueBytesMax)} is at least {4 * RecordBytesMax}.";
        }

        if (BatchWait <= TimeSpan.Zero || BlockFor < TimeSpan.Zero || FlushFor < TimeSpan.Zero || FilesMax < 1 || FileBytesMax < RecordBytesMax)
        {
            return $"{nameof(BatchWait)} is above zero, {nameof(BlockFor)} and {nameof(FlushFor)} are not below it, {nameof(FilesMax)} is at least 1, "
                + $"{nameof(FileBytesMax)} at least {RecordBytesMax}.";
        }

        if (Loss == DecisionLogLoss.Spill != SpillFolder is not null)
        {
            return $"{nameof(SpillFolder)} goes with {nameof(DecisionLogLoss.Spill)}, and with nothing else.";
        }

        if (Loss == DecisionLogLoss.Spill && Folder is not null)
        {
            return "A log that goes to files needs no other files on its way: choose block or drop.";
        }

        return Loss == DecisionLogLoss.Spill && SpillBytesMax < QueueBytesMax
            ? $"{nameof(SpillBytesMax)} is at least {nameof(QueueBytesMax)}."
            : ContextMask.FindProblem([.. DropPaths, .. HashPaths]);
    }
}
