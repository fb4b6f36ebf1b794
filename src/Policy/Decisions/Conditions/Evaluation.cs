using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One request while it is held against rules. Lives on the stack.</summary>
/// <param name="capability">What the request wants to do.</param>
/// <param name="context">Everything else.</param>
/// <param name="now">When.</param>
internal struct Evaluation(string capability, DecisionContext context, DateTimeOffset now)
{
    // Where rules looked last, since the next one most likely looks there too.
    private InputPath? owner;
    private int ownerRow;

    // What values were compared with last: found and read once, however many members of a list are compared with it.
    private InputPath? compared;
    private int comparedRow;
    private byte[]? comparedText;
    private JsonElement comparedJson;

    public string Capability { get; } = capability;

    public DecisionContext Context { get; } = context;

    public DateTimeOffset Now { get; } = now;

    /// <summary>What went wrong; set with <see cref="Truth.Error"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes what went wrong. Allocates, which the usual path never comes to.</summary>
    public Truth Fail(string fault)
    {
        Fault = fault;
        return Truth.Error;
    }

    /// <summary>What is at a place; none where the way there ends early.</summary>
    public void Find(InputPath place, out InputValue value)
    {
        value = default;
        value.Set(Context, Row(place));
    }

    /// <summary>What is at a place that values are compared with.</summary>
    public void FindCompared(InputPath place, out InputValue value)
    {
        if (place != compared)
        {
            comparedRow = Row(place);
            comparedText = null;
            comparedJson = default;
            compared = place;
        }

        value = default;
        value.Set(Context, comparedRow);
    }

    /// <summary>Whether a value is what <see cref="FindCompared"/> found last, where that is of the same kind.</summary>
    public bool EqualsCompared(in InputValue value, in InputValue found)
    {
        if (value.IsText)
        {
            return value.Text.SequenceEqual(found.IsEscaped ? comparedText ??= found.Text.ToArray() : found.Text);
        }

        // The usual case: two values written the same way.
        if (value.Raw.SequenceEqual(found.Raw))
        {
            return true;
        }

        comparedJson = comparedJson.ValueKind == JsonValueKind.Undefined ? found.ToJson() : comparedJson;
        return JsonElement.DeepEquals(value.ToJson(), comparedJson);
    }

    /// <summary>
    /// What is at a place whose parent must be an object, or empty in the sense of unison's rules (null, false, 0, "", []); else
    /// an error.
    /// </summary>
    public Truth FindInObject(InputPath place, out InputValue value)
    {
        Find(place, out value);
        if (value.Exists)
        {
            return Truth.Yes;
        }

        Find(place.Parent!, out var parent);
        return parent.Kind != JsonValueKind.Object && PythonValue.IsTruthy(parent) ? Fail($"{place.Parent!.Text} is no object") : Truth.No;
    }

    // Negative where there is nothing.
    private int Row(InputPath place)
    {
        if (place.Parent is not { } parent)
        {
            return 0;
        }

        if (parent != owner)
        {
            ownerRow = Row(parent);
            owner = parent;
        }

        return ownerRow < 0 ? -1 : place.Step(Context, ownerRow);
    }
}
