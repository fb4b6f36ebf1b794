using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One request while it is held against rules. Lives on the stack.</summary>
internal ref struct Evaluation
{
    /// <summary>The capability in UTF-8, as all texts of rules are.</summary>
    public required ReadOnlySpan<byte> Capability { get; init; }

    /// <summary>An object, or undefined.</summary>
    public required JsonElement Context { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>What went wrong; set with <see cref="Truth.Error"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes what went wrong. Allocates, which the usual path never comes to.</summary>
    public Truth Fail(string fault)
    {
        Fault = fault;
        return Truth.Error;
    }

    /// <summary>
    /// A member of the context. False where it is not there; an error where <paramref name="parent"/> is neither an object nor
    /// empty in the sense of unison's rules (null, false, 0, "", []).
    /// </summary>
    public Truth TryMember(JsonElement parent, ReadOnlySpan<byte> name, string parentName, out JsonElement member)
    {
        member = default;
        return parent.ValueKind switch
        {
            JsonValueKind.Object => parent.TryGetProperty(name, out member) ? Truth.Yes : Truth.No,
            _ when !PythonValue.IsTruthy(parent) => Truth.No,
            _ => Fail($"{parentName} is no object"),
        };
    }
}
