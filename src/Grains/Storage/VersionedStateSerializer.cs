using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Orleans.Storage;

namespace OrleansPolicy.Grains.Storage;

/// <summary>
/// Writes grain state as <c>{"v":1,"state":{...}}</c>: JSON that any program reads, without type names, so that a class may be
/// renamed, and with a version, so that its form may change. A state of a newer version than this program knows is refused: an old
/// silo must not write over what a new one stored.
/// </summary>
public sealed class VersionedStateSerializer : IGrainStorageSerializer
{
    private readonly Dictionary<(Type State, int From), StateUpgrade> _upgrades;
    private readonly ConcurrentDictionary<Type, int> _versions = new();

    /// <summary>With the steps for older states.</summary>
    public VersionedStateSerializer(IEnumerable<StateUpgrade> upgrades) =>
        _upgrades = upgrades.ToDictionary(upgrade => (upgrade.State, upgrade.From));

    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) =>
        BinaryData.FromBytes(JsonSerializer.SerializeToUtf8Bytes(new Envelope<T>(VersionOf(typeof(T)), input), PolicyJson.Options));

    /// <inheritdoc/>
    public T? Deserialize<T>(BinaryData input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var current = VersionOf(typeof(T));
        var envelope = JsonSerializer.Deserialize<Envelope<JsonObject>>(input.ToMemory().Span, PolicyJson.Options)
            ?? throw new JsonException("A stored state is empty.");
        if (envelope.V < 1 || envelope.V > current)
        {
            throw new JsonException($"A stored {typeof(T).Name} has version {envelope.V}; this program knows 1 to {current}.");
        }

        var state = envelope.State;
        for (var version = envelope.V; version < current && state is not null; version++)
        {
            state = _upgrades.TryGetValue((typeof(T), version), out var upgrade)
                ? upgrade.Apply(state)
                : throw new JsonException($"No step leads from version {version} of {typeof(T).Name} to the next.");
        }

        return state is null ? default : state.Deserialize<T>(PolicyJson.Options);
    }

    private int VersionOf(Type state) =>
        _versions.GetOrAdd(state, static type => type.GetCustomAttribute<StateVersionAttribute>()?.Version ?? 1);

    private sealed record Envelope<TState>(int V, TState? State);
}
