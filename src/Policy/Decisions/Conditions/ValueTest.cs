namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One operator with its operand, held against one value of the input.</summary>
internal abstract class ValueTest
{
    /// <summary>The operator and operand in words.</summary>
    public abstract string Text { get; }

    /// <summary>Tests a value of the context, or none.</summary>
    public abstract Truth Check(in InputValue value, ref Evaluation evaluation);

    /// <summary>Tests the capability.</summary>
    public abstract Truth CheckCapability(ref Evaluation evaluation);
}
