using OrleansPolicy.Parity;

namespace OrleansPolicy.Client;

/// <summary>A node, looked at from within its process.</summary>
public sealed record PolicyNodeStatus
{
    /// <summary>The hash in force; null: none.</summary>
    public required string? PolicyHash { get; init; }

    /// <summary>Its version.</summary>
    public required string? Version { get; init; }

    /// <summary>When it was put in force; null: none is.</summary>
    public DateTimeOffset? LoadedAt { get; init; }

    /// <summary>How long it has been in force; null: none is.</summary>
    public TimeSpan? BundleAge { get; init; }

    /// <summary>Whether that is more than <see cref="PolicyNode.StaleAfter"/>: worth a warning, no reason to stop.</summary>
    public bool BundleStale => BundleAge > PolicyNode.StaleAfter;

    /// <summary>Whether all this was kept from before a restart, and nothing was heard since.</summary>
    public bool Offline { get; init; }

    /// <summary>The hash that the directive demands.</summary>
    public required string? WantedHash { get; init; }

    /// <summary>Its parity group as it was heard last; null: it has none.</summary>
    public GroupDirective? Group { get; init; }

    /// <summary>The highest epoch heard.</summary>
    public required long Epoch { get; init; }

    /// <summary>Why it does not serve, such as <c>decide.stale</c>; null: it serves.</summary>
    public required string? Refusal { get; init; }

    /// <summary>How long it may go on serving without hearing anything; null: leases are off.</summary>
    public required TimeSpan? LeaseLeft { get; init; }

    /// <summary>The version of the trust root it believes.</summary>
    public required int TrustVersion { get; init; }

    /// <summary>Whether the application said that it leads.</summary>
    public bool Leads { get; init; }

    /// <summary>How the last handshake of a leader ended; null: it does not lead, or none has ended yet.</summary>
    public HandshakeResult? Handshake { get; init; }

    /// <summary>The bundle that it evaluates beside the one in force; null: none, or it is being loaded.</summary>
    public ShadowStatus? Shadow { get; init; }

    /// <summary>Decisions made by a bundle, since the start.</summary>
    public required long Decisions { get; init; }

    /// <summary>Requests refused because the node must not serve, since the start.</summary>
    public required long Refused { get; init; }

    /// <summary>Reports that the control plane accepted.</summary>
    public required long ReportsAccepted { get; init; }

    /// <summary>Times that the control plane did not answer, or refused, the node's registration or its question for the directive.</summary>
    public required long PollsFailed { get; init; }

    /// <summary>Its reloads.</summary>
    public required ReloadCounts Reloads { get; init; }

    /// <summary>How its decision log fares; null: it keeps none.</summary>
    public DecisionLogCounts? DecisionLog { get; init; }

    /// <summary>Of a node that did not start yet: nothing is heard, nothing is loaded, everything is denied.</summary>
    public static PolicyNodeStatus NotStarted { get; } = new()
    {
        PolicyHash = null,
        Version = null,
        WantedHash = null,
        Epoch = 0,
        Refusal = Refusals.NoPolicy.Reason,
        LeaseLeft = TimeSpan.Zero,
        TrustVersion = 0,
        Decisions = 0,
        Refused = 0,
        ReportsAccepted = 0,
        PollsFailed = 0,
        Reloads = new ReloadCounts(0, 0, 0, []),
    };
}
