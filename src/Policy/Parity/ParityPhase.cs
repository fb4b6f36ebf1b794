namespace OrleansPolicy.Parity;

/// <summary>How far a parity group has come with its directive. Within one epoch a group only goes forward.</summary>
public enum ParityPhase
{
    /// <summary>
    /// The members fetch, verify and compile what the group is to run. Whoever serves what the group ran until now goes on with it, if
    /// the directive lets it; nobody begins to serve.
    /// </summary>
    Prepare,

    /// <summary>Every member denies (<c>decide.parity_switch</c>) until it hears <see cref="Commit"/>.</summary>
    Quiesce,

    /// <summary>Nothing is on the way: the members run what the directive demands, and nothing else.</summary>
    Commit,
}
