namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A compiled condition. Immutable and shared by all requests. Evaluating allocates nothing unless an error is found, a text of
/// the input is written with escapes, or lists and objects are compared as wholes.
/// </summary>
internal abstract class Condition
{
    /// <summary>The condition in words, for traces.</summary>
    public abstract string Text { get; }

    public abstract Truth Evaluate(ref Evaluation evaluation);

    /// <summary>The capabilities outside which the condition never holds; null where it says nothing about them.</summary>
    public virtual CapabilitySet? Capabilities => null;
}
