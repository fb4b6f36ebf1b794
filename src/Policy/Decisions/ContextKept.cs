namespace OrleansPolicy.Decisions;

/// <summary>How much of a request's context its <see cref="DecisionRecord"/> still has.</summary>
public enum ContextKept
{
    /// <summary>All of it: the decision can be made again.</summary>
    Whole,

    /// <summary>Parts were replaced or taken out, so that rules may see something else now.</summary>
    Masked,

    /// <summary>None of it.</summary>
    Dropped,
}
