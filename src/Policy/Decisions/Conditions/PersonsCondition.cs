using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Unison's <c>persons</c>: the list has <c>context.person_id</c>, or <c>context.person.id</c> where that is empty, or "unknown" where both are.</summary>
internal sealed class PersonsCondition(JsonElement persons) : Condition
{
    private readonly ImmutableArray<Literal> members = [.. persons.EnumerateArray().Where(Literal.IsScalar).Select(p => new Literal(p))];
    private readonly bool hasUnknown = persons.EnumerateArray().Any(p => p.ValueKind == JsonValueKind.String && p.ValueEquals("unknown"));

    public override string Text => $"persons has {persons.GetRawText()}";

    public override Truth Evaluate(ref Evaluation evaluation)
    {
        evaluation.TryMember(evaluation.Context, "person_id"u8, "context", out var id);
        if (!PythonValue.IsTruthy(id))
        {
            evaluation.TryMember(evaluation.Context, "person"u8, "context", out var person);
            if (evaluation.TryMember(person, "id"u8, "context.person", out id) == Truth.Error)
            {
                return Truth.Error;
            }
        }

        if (!PythonValue.IsTruthy(id))
        {
            return hasUnknown ? Truth.Yes : Truth.No;
        }

        foreach (var member in members)
        {
            if (member.ValueEquals(id))
            {
                return Truth.Yes;
            }
        }

        return Truth.No;
    }
}
