using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>persons</c>: the list has <c>context.person_id</c>, or <c>context.person.id</c> where that is empty, or "unknown" where both are.</summary>
internal sealed class PersonsCondition(JsonElement persons, PathTable paths) : Condition
{
    private readonly InputPath personId = paths.Place("person_id");
    private readonly InputPath nestedId = paths.Place("person", "id");
    private readonly Literal[] members = [.. persons.EnumerateArray().Where(Literal.IsScalar).Select(p => new Literal(p))];
    private readonly bool hasUnknown = persons.EnumerateArray().Any(p => p.ValueKind == JsonValueKind.String && p.ValueEquals("unknown"));

    public JsonElement Persons => persons;

    public override string Text => $"persons has {persons.GetRawText()}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.Find(personId, out var id);
        if (!PythonValue.IsTruthy(id) && evaluation.FindInObject(nestedId, out id) == Truth.Error)
        {
            return Truth.Error;
        }

        if (!PythonValue.IsTruthy(id))
        {
            return hasUnknown ? Truth.Yes : Truth.No;
        }

        var text = id.Text;
        foreach (ref readonly var member in members.AsSpan())
        {
            if (member.ValueEquals(id, text))
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
