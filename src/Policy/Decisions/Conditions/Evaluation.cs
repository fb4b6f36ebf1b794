using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One request while it is held against rules. Lives on the stack.</summary>
internal ref struct Evaluation(ReadOnlySpan<byte> capability, JsonElement context, DateTimeOffset now)
{
    private readonly InputValue context = new(context);
    private FoundPlaces found;

    /// <summary>The capability in UTF-8, as all texts of rules are.</summary>
    public ReadOnlySpan<byte> Capability { get; } = capability;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Whether the context is an object, null or absent.</summary>
    public readonly bool HasValidContext => context.Kind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>What went wrong; set with <see cref="Truth.Error"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes what went wrong. Allocates, which the usual path never comes to.</summary>
    public Truth Fail(string fault)
    {
        Fault = fault;
        return Truth.Error;
    }

    /// <summary>What is at a place; undefined where the way there ends early.</summary>
    public InputValue Find(InputPath place)
    {
        if (place.Parent is null)
        {
            return context;
        }

        ref var slot = ref found[place.Number & (FoundPlaces.Slots - 1)];
        if (slot.Place != place)
        {
            // The parent may share the slot: look it up before the slot is written.
            var value = place.Step(Find(place.Parent));
            slot.Place = place;
            slot.Value = value;
        }

        return slot.Value;
    }

    /// <summary>
    /// What is at a place whose parent must be an object, or empty in the sense of unison's rules (null, false, 0, "", []); else
    /// an error.
    /// </summary>
    public Truth Find(InputPath place, out InputValue value)
    {
        value = Find(place);
        if (value.Kind != JsonValueKind.Undefined)
        {
            return Truth.Yes;
        }

        var parent = Find(place.Parent!);
        return parent.Kind != JsonValueKind.Object && PythonValue.IsTruthy(parent.Element) ? Fail($"{place.Parent!.Text} is no object") : Truth.No;
    }
}
