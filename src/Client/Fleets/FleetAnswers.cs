using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>A registered node with what it should run.</summary>
public sealed record RegisteredNode
{
    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>Its registration number.</summary>
    public long Registration { get; init; }

    /// <summary>What it shares a fate with.</summary>
    public string? FailureDomain { get; init; }

    /// <summary>When it was registered.</summary>
    public DateTimeOffset? RegisteredAt { get; init; }

    /// <summary>What it should run, for a look: an agent goes by what it polls.</summary>
    public NodeDirective? Directive { get; init; }
}

/// <summary>A node as the API shows it.</summary>
public sealed record NodeInfo
{
    /// <summary>Its name.</summary>
    public required string Node { get; init; }

    /// <summary>live, silent, fenced or left.</summary>
    public required NodeState State { get; init; }

    /// <summary>The hash it last reported.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The version it last reported.</summary>
    public string? Version { get; init; }

    /// <summary>The epoch it last reported.</summary>
    public long Epoch { get; init; }

    /// <summary>Whether it reports itself armed.</summary>
    public bool Armed { get; init; } = true;

    /// <summary>Its role.</summary>
    public string? Role { get; init; }

    /// <summary>What it shares a fate with.</summary>
    public string? FailureDomain { get; init; }

    /// <summary>Its last NACK's words.</summary>
    public string? Error { get; init; }

    /// <summary>When it last reported.</summary>
    public DateTimeOffset? LastReportAt { get; init; }

    /// <summary>Its last ten reloads, newest first.</summary>
    public ImmutableArray<ReloadRecord> History { get; init; } = [];
}

/// <summary>The answer to a report.</summary>
public sealed record ReportAnswer
{
    /// <summary>What the node should run, with a lease; null where none is granted.</summary>
    public NodeDirective? Directive { get; init; }

    /// <summary><c>report.stale</c> where the report was ignored for its number.</summary>
    public string? Code { get; init; }
}

/// <summary>A directive as it was heard.</summary>
/// <param name="Directive">Null: unchanged since the given tag.</param>
/// <param name="ETag">The tag to wait on.</param>
/// <param name="LeaseSec">The lease granted by an unchanged answer.</param>
/// <param name="SentAt">The monotonic time stamp from just before the request left: the lease counts from it.</param>
internal sealed record HeardDirective(NodeDirective? Directive, string? ETag, int? LeaseSec, long SentAt);

/// <summary>A report's answer as it was heard.</summary>
internal sealed record HeardReport(ReportAnswer Answer, long SentAt);
