using System.Collections.Concurrent;
using System.Globalization;
using Orleans.Runtime;

namespace Orleans.Storage;

/// <summary>Keeps states as bytes for as long as the cluster lives.</summary>
internal sealed class MemoryGrainStorage(string name, Cluster cluster, IGrainStorageSerializer serializer) : IGrainStorage
{
    private readonly ConcurrentDictionary<(string, string), (BinaryData Data, string ETag)> _rows =
        (ConcurrentDictionary<(string, string), (BinaryData, string)>)cluster.Memory.GetOrAdd(
            $"storage/{name}", _ => new ConcurrentDictionary<(string, string), (BinaryData, string)>());

    private static long s_lastETag;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var found = _rows.TryGetValue(Key(stateName, grainId), out var row);
        grainState.State = found ? serializer.Deserialize<T>(row.Data) : default;
        grainState.ETag = found ? row.ETag : null;
        grainState.RecordExists = found;
        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var row = (serializer.Serialize(grainState.State), Interlocked.Increment(ref s_lastETag).ToString(CultureInfo.InvariantCulture));
        var key = Key(stateName, grainId);
        var written = grainState.ETag is null
            ? _rows.TryAdd(key, row)
            : _rows.TryGetValue(key, out var old) && old.ETag == grainState.ETag && _rows.TryUpdate(key, row, old);
        if (!written)
        {
            throw Conflict(key, grainState.ETag);
        }

        grainState.ETag = row.Item2;
        grainState.RecordExists = true;
        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var key = Key(stateName, grainId);
        if (_rows.TryGetValue(key, out var row)
            && (row.ETag != grainState.ETag || !_rows.TryRemove(new KeyValuePair<(string, string), (BinaryData, string)>(key, row))))
        {
            throw Conflict(key, grainState.ETag);
        }

        (grainState.State, grainState.ETag, grainState.RecordExists) = (default, null, false);
        return Task.CompletedTask;
    }

    private static (string, string) Key(string stateName, GrainId grainId) => (stateName, grainId.ToString());

    private InconsistentStateException Conflict((string, string) key, string? etag) =>
        new($"The state {key} is not the one that was read.", _rows.TryGetValue(key, out var row) ? row.ETag : null, etag);
}
