using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>A value of the input with its kind, which is asked for often and costs a look into the document each time.</summary>
internal readonly struct InputValue(JsonElement element)
{
    public readonly JsonElement Element = element;

    /// <summary>Undefined where there is no value.</summary>
    public readonly JsonValueKind Kind = element.ValueKind;
}
