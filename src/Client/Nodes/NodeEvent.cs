namespace OrleansPolicy.Client;

/// <summary>Something that happened to a node.</summary>
/// <param name="At">When, on the node's clock.</param>
/// <param name="Kind">What.</param>
/// <param name="Code">Stable and dotted, such as <c>node.swapped</c> or the code of what went wrong.</param>
/// <param name="Text">The same for a person.</param>
public sealed record NodeEvent(DateTimeOffset At, NodeEventKind Kind, string Code, string Text);

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

    /// <summary>The control plane cannot be reached, or does not answer as it should.</summary>
    Trouble,

    /// <summary>It answers again.</summary>
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
