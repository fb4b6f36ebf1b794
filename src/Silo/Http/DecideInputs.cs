using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Silo.Http;

/// <summary>One question.</summary>
/// <param name="CapabilityId">What the request wants to do.</param>
/// <param name="Context">Everything else about it: an object, or nothing.</param>
public sealed record DecideInput(string? CapabilityId, JsonElement Context);

/// <summary>Checks questions.</summary>
internal static class DecideInputs
{
    private const int CapabilityLengthMax = 1_000;

    /// <summary>A list of questions.</summary>
    public static Outcome<ImmutableArray<DecisionInput>> Read(ImmutableArray<DecideInput?>? inputs, int max)
    {
        if (inputs is not { Length: var count } || count < 1 || count > max)
        {
            return Outcome<ImmutableArray<DecisionInput>>.Fail("request.inputs", $"inputs is a list of 1 to {max} questions.", "$.inputs");
        }

        var read = inputs.Value.Select((input, index) => Read(input, $"$.inputs[{index}]")).ToArray();
        var problems = read.SelectMany(one => one.Problems).ToImmutableArray();
        return problems.IsEmpty
            ? Outcome<ImmutableArray<DecisionInput>>.Ok([.. read.Select(one => one.Value!)])
            : Outcome<ImmutableArray<DecisionInput>>.Fail(problems);
    }

    /// <summary>One question, as a body asks it.</summary>
    public static Outcome<DecisionInput> Read(JsonElement body)
    {
        // Whatever is not as usual is left to the serializer, which knows what to say about it.
        if (body.ValueKind == JsonValueKind.Object
            && body.TryGetProperty("capability_id"u8, out var capability)
            && capability.ValueKind == JsonValueKind.String
            && !JsonMarshal.GetRawUtf8Value(capability).Contains((byte)'\\'))
        {
            return Read(new DecideInput(capability.GetString(), body.TryGetProperty("context"u8, out var context) ? context : default), "$");
        }

        var bound = RequestBody.Bind<DecideInput>(body);
        return bound.Succeeded ? Read(bound.Value, "$") : bound.As<DecisionInput>();
    }

    /// <summary>One question.</summary>
    public static Outcome<DecisionInput> Read(DecideInput? input, string path)
    {
        if (input?.CapabilityId is not { Length: <= CapabilityLengthMax } capability)
        {
            return Outcome<DecisionInput>.Fail("request.capability_id", $"capability_id is a text of at most {CapabilityLengthMax} characters.", path + ".capability_id");
        }

        return input.Context.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null
            ? Outcome<DecisionInput>.Ok(new DecisionInput(capability, input.Context))
            : Outcome<DecisionInput>.Fail("request.context", "context is an object.", path + ".context");
    }
}
