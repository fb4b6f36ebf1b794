using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>Who a node is, whom it listens to and whom it believes.</summary>
public sealed record PolicyNodeOptions
{
    /// <summary>Scheme, host and port of the control plane.</summary>
    public Uri Server { get; init; } = PolicyClientOptions.DefaultServer;

    /// <summary>The node's own key.</summary>
    public required string ApiKey { get; init; }

    /// <summary>The tenant. Default <c>default</c>.</summary>
    public string Tenant { get; init; } = "default";

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>The node's name, unique in its fleet.</summary>
    public required string Node { get; init; }

    /// <summary>What it shares a fate with: a zone, a rack. Default <c>default</c>.</summary>
    public string FailureDomain { get; init; } = "default";

    /// <summary>Its role, for people.</summary>
    public string? Role { get; init; }

    /// <summary>Free labels.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The trust root given at install. This, <see cref="TrustRootFile"/> or <see cref="TrustRootSha256"/> is needed.</summary>
    public TrustRoot? TrustRoot { get; init; }

    /// <summary>A file with the trust root as JSON.</summary>
    public string? TrustRootFile { get; init; }

    /// <summary>The hash of a trust root (<c>policyctl trust hash</c>), which is then fetched and compared.</summary>
    public string? TrustRootSha256 { get; init; }

    /// <summary>Takes the first trust root from the network without a check. For trials only. Default false.</summary>
    public bool TrustOnFirstUse { get; init; }

    /// <summary>What a bundle that does not say decides where no rule matches. Default: deny.</summary>
    public DefaultEffect? DefaultEffect { get; init; }

    /// <summary>Connections to share between the agents of a process; null: its own.</summary>
    public PolicyTransport? Transport { get; init; }

    /// <summary>Compiled bundles to share between the agents of a process; null: its own.</summary>
    public PolicyCache? Cache { get; init; }

    /// <summary>
    /// The application's own check of a bundle that is verified and compiled, before it is put in force. Null: accepted. Anything
    /// else, or an exception's message, is what the node tells the control plane as its reason for refusing (<c>node.not_accepted</c>);
    /// the bundle in force stays. Called from any thread, again for each attempt: return quickly.
    /// </summary>
    public Func<PolicyCandidate, string?>? Accept { get; init; }

    /// <summary>Told of everything that happens to the node, on the thread where it happens: return quickly.</summary>
    public Action<NodeEvent>? OnEvent { get; init; }

    /// <summary>Waits between attempts to reach the control plane. The longest is short: a node must hear of its return within 2 s.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1500));

    /// <summary>The clock; its time stamps are monotonic and count the lease.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
