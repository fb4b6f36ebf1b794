using System.Collections.Immutable;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Client;

/// <summary>Who a node is, whom it listens to and whom it believes.</summary>
public sealed record PolicyNodeOptions
{
    /// <summary>
    /// The addresses of the control plane's silos: <see cref="PolicyClientOptions.Servers"/>. The lease outlives the loss of any of them.
    /// </summary>
    public ImmutableArray<Uri> Servers { get; init; } = [PolicyClientOptions.DefaultServer];

    /// <summary>The only address, or the first of <see cref="Servers"/>.</summary>
    public Uri Server
    {
        get => Servers[0];
        init => Servers = [value];
    }

    /// <summary>The node's own key. Needed unless <see cref="BundleFile"/> is set.</summary>
    public string ApiKey { get; init; } = "";

    /// <summary>The tenant. Default <c>default</c>.</summary>
    public string Tenant { get; init; } = "default";

    /// <summary>The fleet. Needed unless <see cref="BundleFile"/> is set: then <c>default</c>.</summary>
    public string Fleet { get; init; } = "";

    /// <summary>The node's name, unique in its fleet. Needed unless <see cref="BundleFile"/> is set: then <c>local</c>.</summary>
    public string Node { get; init; } = "";

    /// <summary>
    /// The path of a signed bundle that takes the control plane's place: the node runs what lies there, watches it and swaps when it
    /// changes (docs/HOT_RELOAD.md). Nothing remote can take such a bundle back, so there is no lease. Null: a control plane leads.
    /// </summary>
    public string? BundleFile { get; init; }

    /// <summary>How <see cref="BundleFile"/> is watched. Default: events, and polling where they do not come.</summary>
    public BundleFileWatch BundleFileWatch { get; init; }

    /// <summary>How often <see cref="BundleFile"/> is looked at without an event. Default 2 s.</summary>
    public TimeSpan BundleFilePoll { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A folder of this node alone, in which it keeps the last good bundle: at a start without its control plane that is loaded and warm. It
    /// serves at once where the fleet's leases were off (marked <see cref="NodeDecision.Offline"/>), and otherwise denies
    /// <c>decide.stale</c> until the first directive, which it then needs no download for. Null: nothing is kept.
    /// </summary>
    public string? StateFolder { get; init; }

    /// <summary>
    /// How many recent inputs are kept in memory to warm the next bundle on; 0: none, where inputs must not outlive their request.
    /// Default 64, at most 1,024.
    /// </summary>
    public int RecentInputs { get; init; } = 64;

    /// <summary>What it shares a fate with: a zone, a rack. Default <c>default</c>.</summary>
    public string FailureDomain { get; init; } = "default";

    /// <summary>
    /// Its parity group: nodes that must all run the same bundle or none may serve. The group goes over to another bundle as one, and a
    /// member serves nothing before it heard its directive, whatever it kept (docs/PARITY.md). Null: it has none.
    /// </summary>
    public string? ParityGroup { get; init; }

    /// <summary>Its part in its parity group, such as <c>brain</c> or <c>execution</c>; for people.</summary>
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

    /// <summary>Where its decisions are written down; null: nowhere.</summary>
    public DecisionLogOptions? DecisionLog { get; init; }

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

    /// <summary>Told of each attempt to put a bundle in force, on the thread where it ends: return quickly.</summary>
    public Action<ReloadRecord>? OnReload { get; init; }

    /// <summary>Waits between attempts to reach the control plane. The longest is short: a node must hear of its return within 2 s.</summary>
    public Backoff Backoff { get; init; } = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(1500));

    /// <summary>The clock; its time stamps are monotonic and count the lease.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The control plane of this very process; null: over HTTP.</summary>
    internal INodeChannel? Channel { get; init; }

    /// <summary>Makes the directive true that demands a bundle brought by <see cref="BundleFile"/>'s watch; null: the node leads itself.</summary>
    internal CommitFile? CommitFile { get; init; }
}
