using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client;

/// <summary>What an application asks of its node. For injection, and for tests of an application that has none.</summary>
public interface IPolicyNode
{
    /// <summary>The node's name.</summary>
    string Name { get; }

    /// <summary>What it heard and runs, now.</summary>
    PolicyNodeStatus Status { get; }

    /// <summary>Decides. Never throws, safe from any thread; a node that must not serve denies with a reason of <c>decide.*</c>.</summary>
    /// <param name="capabilityId">What is asked for.</param>
    /// <param name="context">What is known about the request; null counts as empty. It may be kept and asked with again, from any thread.</param>
    NodeDecision Decide(string capabilityId, DecisionContext? context);

    /// <summary>Counts an observation of the application's own under a name, for criteria and triggers. False: it was not taken.</summary>
    bool Record(string metric, double value);

    /// <summary>
    /// Counts a request that went wrong after it was decided on, as an error among the decisions: <c>error_rate</c> is then the share of
    /// requests that fail under a bundle.
    /// </summary>
    void RecordFailure();

    /// <summary>
    /// The application became the leader of its parity group. From now on the node serves only what a handshake found the other members to
    /// run too, and denies <c>decide.parity_handshake</c> until then. It asks at once, and anew whenever its directive or its bundle changes.
    /// A process that starts anew does not lead until it says so.
    /// </summary>
    void Promote();

    /// <summary>The application does not lead any more: the node serves without a handshake, as every member does.</summary>
    void Demote();
}
