namespace OrleansPolicy.Client;

/// <summary>Something that happened to a node.</summary>
/// <param name="At">When, on the node's clock.</param>
/// <param name="Kind">What.</param>
/// <param name="Code">Stable and dotted, such as <c>node.swapped</c> or the code of what went wrong.</param>
/// <param name="Text">The same for a person.</param>
public sealed record NodeEvent(DateTimeOffset At, NodeEventKind Kind, string Code, string Text)
{
    /// <summary>
    /// Which part of the node it concerns. What is in the way (<see cref="NodeEventKind.Trouble"/>, <see cref="NodeEventKind.Refused"/>) lasts
    /// until <see cref="NodeEventKind.Recovered"/> or <see cref="NodeEventKind.Swapped"/> of the same part.
    /// </summary>
    public NodeEventSource Source { get; init; }
}

/// <summary>Parts of a node, each of which can be in trouble by itself.</summary>
public enum NodeEventSource
{
    /// <summary>The bundle: what is demanded, loaded and put in force.</summary>
    Bundle,

    /// <summary>The poll by which it hears the control plane.</summary>
    ControlPlane,

    /// <summary>Its reports.</summary>
    Report,

    /// <summary>The watch over <see cref="PolicyNodeOptions.BundleFile"/>.</summary>
    BundleFile,

    /// <summary>The bundle that is evaluated beside the one in force.</summary>
    Shadow,

    /// <summary>Where its decisions are written down.</summary>
    DecisionLog,

    /// <summary>Where the last good bundle is kept.</summary>
    StateFolder,
}

/// <summary>Kinds of events.</summary>
public enum NodeEventKind
{
    /// <summary>It is registered.</summary>
    Registered,

    /// <summary>It heard a new epoch.</summary>
    Heard,

    /// <summary>Another bundle is in force.</summary>
    Swapped,

    /// <summary>A bundle could not be put in force; the old one stays.</summary>
    Refused,

    /// <summary>The control plane cannot be reached, or does not answer as it should; or something else is in the way.</summary>
    Trouble,

    /// <summary>It answers again; what was in the way is not any more.</summary>
    Recovered,

    /// <summary>A newer trust root was followed.</summary>
    TrustFollowed,

    /// <summary>What was in force before a restart is at hand again.</summary>
    Resumed,

    /// <summary>It was armed or disarmed.</summary>
    Armed,

    /// <summary>It became leader or lost that, or a leader's handshake ended.</summary>
    Leadership,
}
