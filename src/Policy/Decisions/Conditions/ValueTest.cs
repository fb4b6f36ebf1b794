namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One operator with its operand, held against one value of the input.</summary>
internal abstract class ValueTest
{
    /// <summary>The operator and operand in words.</summary>
    public abstract string Text { get; }

    /// <summary>Tests a value of the context, none, or the capability, which is a text.</summary>
    public abstract Truth Check(in InputValue value, ref Evaluation evaluation);
}
