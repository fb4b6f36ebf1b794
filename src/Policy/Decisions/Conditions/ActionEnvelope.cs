using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>Reads <c>context.action_envelope</c>. Unlike other parts of the context, what is no object there counts as absent in unison.</summary>
internal static class ActionEnvelope
{
    /// <summary>A member of the envelope; undefined where there is none.</summary>
    public static JsonElement Member(JsonElement context, ReadOnlySpan<byte> name) =>
        context.ValueKind == JsonValueKind.Object
        && context.TryGetProperty("action_envelope"u8, out var envelope)
        && envelope.ValueKind == JsonValueKind.Object
        && envelope.TryGetProperty(name, out var member)
            ? member
            : default;
}
