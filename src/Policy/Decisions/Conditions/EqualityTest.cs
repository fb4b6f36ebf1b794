using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// <c>eq</c>, <c>ne</c>, <c>in</c>, <c>not_in</c>. Values of different types are unequal, never an error; what is absent equals
/// nothing, so that <c>ne</c> and <c>not_in</c> hold for it.
/// </summary>
internal sealed class EqualityTest(string name, JsonElement operand, Literal[] members, bool wanted) : ValueTest
{
    public JsonElement Operand => operand;

    /// <summary>Whether being one of the operand's members is what holds.</summary>
    public bool Wanted => wanted;

    public override string Text => $"{name} {operand.GetRawText()}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation) => Contains(value) == wanted ? Truth.Yes : Truth.No;

    private bool Contains(in InputValue value)
    {
        if (value.IsList)
        {
            return value.EqualsList(operand);
        }

        var text = value.Text;
        foreach (ref readonly var member in members.AsSpan())
        {
            if (member.ValueEquals(value, text))
            {
                return true;
            }
        }

        return false;
    }
}
