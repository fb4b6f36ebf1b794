using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Silo.Feed;

/// <summary>What a feed answers to a node.</summary>
public abstract record FeedAnswer
{
    private FeedAnswer()
    {
    }

    /// <summary>The directive as this node hears it (200). It grants the lease that stands in it.</summary>
    /// <param name="Directive">The directive.</param>
    /// <param name="ETag">Quoted and opaque; changes with anything in the answer.</param>
    /// <param name="Body">The directive as JSON, made once for all nodes that hear the same.</param>
    public sealed record Changed(NodeDirective Directive, string ETag, ReadOnlyMemory<byte> Body) : FeedAnswer;

    /// <summary>Nothing changed while the request was held (304). It grants the lease anew.</summary>
    /// <param name="ETag">The tag that the node has.</param>
    /// <param name="LeaseSec">Seconds; null: leases are off.</param>
    public sealed record Unchanged(string ETag, int? LeaseSec) : FeedAnswer;

    /// <summary>No directive and no lease.</summary>
    /// <param name="Status">400, 404 or 503.</param>
    /// <param name="Code"><c>fleet.unknown</c>, <c>node.unknown</c>, <c>lease.unavailable</c>, <c>report.invalid</c>, ….</param>
    /// <param name="Message">For a person.</param>
    public sealed record Refused(int Status, string Code, string Message) : FeedAnswer;

    /// <summary>The refusal of a lease while a higher epoch was obeyed than the truth has.</summary>
    public static Refused Behind { get; } = new(
        503, "lease.unavailable", "Nodes of the fleet know a higher epoch than the database (fleet.epoch_behind): an admin must raise it. Ask again.");

    /// <summary>The refusal of a lease while the truth cannot be read.</summary>
    public static Refused NoLease { get; } = new(
        503, "lease.unavailable", "The durable directive could not be read in time, so no lease is granted. Ask again.");
}

/// <summary>The answer to one node's report.</summary>
/// <param name="Answer">The directive, or why there is none.</param>
/// <param name="Note"><c>report.stale</c> where the report was older than one heard before and changed nothing.</param>
public sealed record FeedReportAnswer(FeedAnswer Answer, string? Note = null);

/// <summary>The answer to a relay that reported for many nodes.</summary>
/// <param name="Refused">Why nothing was taken; null where it was.</param>
/// <param name="Directive">The fleet's whole directive, from which the relay derives each node's.</param>
/// <param name="LeaseSec">The lease of each node, counted from when it sent to the relay.</param>
/// <param name="Rejected">Reports that were not taken, each with its code.</param>
public sealed record FeedBatchAnswer(
    FeedAnswer.Refused? Refused, Directive? Directive, int? LeaseSec, IReadOnlyList<RejectedReport> Rejected)
{
    /// <summary>Whether a node may serve that nobody spoke of by name.</summary>
    public bool Armed { get; init; } = true;

    /// <summary>Whether those may serve that somebody spoke of by name.</summary>
    public ImmutableSortedDictionary<string, bool> ArmedByNode { get; init; } = ImmutableSortedDictionary<string, bool>.Empty;
}

/// <summary>A report that was not taken.</summary>
public sealed record RejectedReport(string Node, string Code);

/// <summary>A report for a node, as a relay hands it in.</summary>
public sealed record RelayedReport(string Node, NodeReport Report);

/// <summary>Under what a node serves, as far as this silo knows.</summary>
/// <param name="PolicyHash">The hash it last ACKed; null: none yet.</param>
/// <param name="Epoch">The epoch it ACKed it under.</param>
/// <param name="State">How it stands to the control plane.</param>
/// <param name="Allowed">Whether the directive lets it serve that hash.</param>
/// <param name="Armed">Whether it is armed, or its fleet does not demand that.</param>
/// <param name="Wanted">The hash that it should run.</param>
public sealed record NodeServing(string? PolicyHash, long Epoch, NodeState State, bool Allowed, bool Armed, string? Wanted)
{
    /// <summary>Why nobody decides in its name as far as its parity group goes; null: nothing stands against it.</summary>
    public string? GroupRefusal { get; init; }
}
