using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary><c>lt</c>, <c>lte</c>, <c>gt</c>, <c>gte</c>: numbers alone have an order. A value of another type is an error; an absent one is not.</summary>
internal sealed class OrderTest(string name, JsonElement operand, Order order) : ValueTest
{
    private readonly Literal bound = new(operand);

    public JsonElement Operand => operand;

    public Order Order => order;

    public override string Text => $"{name} {operand.GetRawText()}";

    public override Truth Check(in InputValue value, ref Evaluation evaluation)
    {
        if (value.Kind != JsonValueKind.Number)
        {
            return !value.Exists ? Truth.No : evaluation.Fail("is no number");
        }

        var comparison = bound.CompareTo(value);
        var holds = order switch
        {
            Order.Less => comparison < 0,
            Order.LessOrEqual => comparison <= 0,
            Order.Greater => comparison > 0,
            _ => comparison >= 0,
        };
        return holds ? Truth.Yes : Truth.No;
    }
}
