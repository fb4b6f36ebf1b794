using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One request while it is held against rules. Lives on the stack.</summary>
internal ref struct Evaluation(ReadOnlySpan<byte> capability, JsonElement context, DateTimeOffset now)
{
    private FoundPlaces found;

    /// <summary>The capability in UTF-8, as all texts of rules are.</summary>
    public ReadOnlySpan<byte> Capability { get; } = capability;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Whether the context is an object, null or absent.</summary>
    public readonly bool HasValidContext => context.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>What went wrong; set with <see cref="Truth.Error"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes what went wrong. Allocates, which the usual path never comes to.</summary>
    public Truth Fail(string fault)
    {
        Fault = fault;
        return Truth.Error;
    }

    /// <summary>What is at a place; undefined where the way there ends early.</summary>
    public JsonElement Find(InputPath place)
    {
        if (place.Parent is not { } parent)
        {
            return context;
        }

        if (!place.HasChildren)
        {
            return place.Step(Find(parent)); // Found as fast as it would be remembered.
        }

        ref var slot = ref found[place.Number & (FoundPlaces.Slots - 1)];
        if (slot.Place != place)
        {
            // The parent may share the slot: look it up before the slot is written.
            var element = place.Step(Find(parent));
            slot.Place = place;
            slot.Element = element;
        }

        return slot.Element;
    }

    /// <summary>
    /// What is at a place whose parent must be an object, or empty in the sense of unison's rules (null, false, 0, "", []); else
    /// an error.
    /// </summary>
    public Truth Find(InputPath place, out JsonElement value)
    {
        value = Find(place);
        if (value.ValueKind != JsonValueKind.Undefined)
        {
            return Truth.Yes;
        }

        var parent = Find(place.Parent!);
        return parent.ValueKind != JsonValueKind.Object && PythonValue.IsTruthy(parent) ? Fail($"{place.Parent!.Text} is no object") : Truth.No;
    }
}
