using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Orleans.AdoNet;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Orleans.Storage;

/// <summary>States in PostgreSQL.</summary>
internal sealed class AdoNetGrainStorage(string name, AdoNetGrainStorageOptions options, IGrainStorageSerializer serializer, string serviceId)
    : IGrainStorage, ISiloPart, IAsyncDisposable
{
    private const string Read = "ReadFromStorageKey";
    private const string Write = "WriteToStorageKey";
    private const string Clear = "ClearStorageKey";
    private const string Delete = "DeleteStorageKey";

    private readonly OrleansQueries _queries = new(options.Invariant, options.ConnectionString, options.DataSource);

    public Task StartAsync(CancellationToken cancellationToken) => _queries.OpenAsync([Read, Write, Clear, Delete], cancellationToken);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var rows = await _queries.ReadAsync(
            Read,
            reader => (
                Payload: reader["PayloadBinary"] as byte[],
                Version: Convert.ToInt32(reader["Version"], CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)),
            cancellationToken,
            Identity(stateName, grainId));
        var payload = rows is [var row] ? row.Payload : null;
        grainState.State = payload is null ? default : serializer.Deserialize<T>(new BinaryData(payload));
        grainState.ETag = rows is [var known] ? known.Version : null;
        grainState.RecordExists = payload is not null;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var payload = serializer.Serialize(grainState.State).ToArray();
        grainState.ETag = await ChangeAsync(
            Write, stateName, grainId, grainState, cancellationToken, new NpgsqlParameter("PayloadBinary", NpgsqlDbType.Bytea) { Value = payload });
        grainState.RecordExists = true;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        if (!grainState.RecordExists && string.IsNullOrEmpty(grainState.ETag))
        {
            await ReadStateAsync(stateName, grainId, grainState, cancellationToken);
            if (!grainState.RecordExists)
            {
                return;
            }
        }

        var version = await ChangeAsync(options.DeleteStateOnClear ? Delete : Clear, stateName, grainId, grainState, cancellationToken);
        grainState.ETag = options.DeleteStateOnClear ? null : version;
        grainState.RecordExists = false;
        grainState.State = default;
    }

    public ValueTask DisposeAsync() => _queries.DisposeAsync();

    private async Task<string> ChangeAsync<T>(
        string query, string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken, params NpgsqlParameter[] more)
    {
        var known = new NpgsqlParameter("GrainStateVersion", NpgsqlDbType.Integer)
        {
            Value = string.IsNullOrEmpty(grainState.ETag) ? DBNull.Value : int.Parse(grainState.ETag, CultureInfo.InvariantCulture),
        };
        var rows = await _queries.ReadAsync(
            query,
            reader => reader.IsDBNull(0) ? null : Convert.ToInt32(reader.GetValue(0), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
            cancellationToken,
            [.. Identity(stateName, grainId), known, .. more]);
        return rows is [{ } version] && version != grainState.ETag
            ? version
            : throw new InconsistentStateException(
                $"The state '{stateName}' of {grainId} in {name} is not the one that was read (version {grainState.ETag ?? "none"}).", null, grainState.ETag);
    }

    private NpgsqlParameter[] Identity(string stateName, GrainId grainId)
    {
        var key = AdoNetKey.Of(grainId);
        return
        [
            new("GrainIdHash", NpgsqlDbType.Integer) { Value = key.Hash },
            new("GrainIdN0", NpgsqlDbType.Bigint) { Value = key.N0 },
            new("GrainIdN1", NpgsqlDbType.Bigint) { Value = key.N1 },
            new("GrainTypeHash", NpgsqlDbType.Integer) { Value = AdoNetKey.HashOf(stateName) },
            new("GrainTypeString", NpgsqlDbType.Text) { Value = stateName },
            new("GrainIdExtensionString", NpgsqlDbType.Text) { Value = (object?)key.Extension ?? DBNull.Value },
            new("ServiceId", NpgsqlDbType.Text) { Value = serviceId },
        ];
    }
}
