namespace OrleansPolicy.Decisions.Conditions;

/// <summary><c>exists</c>: whether the path leads somewhere. Null counts as a value.</summary>
internal sealed class ExistsTest(bool wanted) : ValueTest
{
    public bool Wanted => wanted;

    public override string Text => wanted ? "exists" : "does not exist";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) =>
        value.Exists == wanted ? Truth.Yes : Truth.No;
}
