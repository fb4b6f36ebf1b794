using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>One request while it is held against rules. Lives on the stack.</summary>
/// <param name="capability">What the request wants to do.</param>
/// <param name="buffer">Room for the capability in UTF-8.</param>
/// <param name="context">Everything else.</param>
/// <param name="now">When.</param>
internal ref struct Evaluation(string capability, Span<byte> buffer, JsonElement context, DateTimeOffset now)
{
    private readonly Span<byte> buffer = buffer;
    private readonly JsonElement context = context;
    private readonly JsonValueKind contextKind = context.ValueKind;
    private ReadOnlySpan<byte> capabilityUtf8;
    private FoundPlaces found;

    /// <summary>The capability in UTF-8, as all texts of rules are. Most decisions never ask: the index knows what it found.</summary>
    public ReadOnlySpan<byte> Capability
    {
        get
        {
            if (capabilityUtf8.IsEmpty)
            {
                capabilityUtf8 = buffer[..Encoding.UTF8.GetBytes(capability, buffer)];
            }

            return capabilityUtf8;
        }
    }

    public DateTimeOffset Now { get; } = now;

    /// <summary>Whether the context is an object, null or absent.</summary>
    public readonly bool HasValidContext => contextKind is JsonValueKind.Object or JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>What went wrong; set with <see cref="Truth.Error"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Notes what went wrong. Allocates, which the usual path never comes to.</summary>
    public Truth Fail(string fault)
    {
        Fault = fault;
        return Truth.Error;
    }

    /// <summary>What is at a place; none where the way there ends early.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)] // Its locals would be cleared at each entry of its callers.
    public void Find(InputPath place, out InputValue value)
    {
        value = default;
        if (place.Parent is { } parent && !place.HasChildren)
        {
            // Found as fast as it would be remembered.
            ref readonly var owner = ref Owner(parent, out var ownerKind);
            value.Set(place, owner, ownerKind);
        }
        else
        {
            ref readonly var element = ref Owner(place, out var kind);
            value.Set(element, kind != JsonValueKind.Undefined);
        }
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

        ref readonly var parent = ref Owner(place.Parent!, out var kind);
        return kind != JsonValueKind.Object && PythonValue.IsTruthy(parent) ? Fail($"{place.Parent!.Text} is no object") : Truth.No;
    }

    // What rules look into.
    [UnscopedRef]
    private ref readonly JsonElement Owner(InputPath place, out JsonValueKind kind)
    {
        if (place.Parent is null)
        {
            kind = contextKind;
            return ref context;
        }

        ref var slot = ref found[place.Slot & (FoundPlaces.Slots - 1)];
        if (slot.Place != place)
        {
            LookUp(place, ref slot);
        }

        kind = slot.Kind;
        return ref slot.Element;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LookUp(InputPath place, ref FoundPlaces.Found slot)
    {
        // The parent may share the slot: it is copied before the slot is written.
        var parent = Owner(place.Parent!, out var parentKind);
        slot.Place = place;
        slot.Kind = place.TryStep(parent, parentKind, out slot.Element) ? slot.Element.ValueKind : JsonValueKind.Undefined;
    }
}
