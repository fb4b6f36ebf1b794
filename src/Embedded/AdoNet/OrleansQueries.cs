using System.Data.Common;
using Npgsql;

namespace Orleans.AdoNet;

/// <summary>
/// Runs the texts of the table OrleansQuery: the same ones, with the same parameters, as the AdoNet providers of a cluster, so
/// that a row written by either is read by the other.
/// </summary>
internal sealed class OrleansQueries : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;
    private readonly bool _owned;
    private Dictionary<string, string> _texts = [];

    public OrleansQueries(string invariant, string? connectionString, DbDataSource? source)
    {
        if (invariant != "Npgsql")
        {
            throw new ArgumentException($"This engine speaks to PostgreSQL only: the invariant 'Npgsql' is expected, not '{invariant}'.", nameof(invariant));
        }

        if (string.IsNullOrWhiteSpace(connectionString) == (source is null))
        {
            throw new ArgumentException("Exactly one of connection string and data source is expected.", nameof(connectionString));
        }

        _owned = source is null;
        _source = source is null ? NpgsqlDataSource.Create(connectionString!) : (NpgsqlDataSource)source;
    }

    /// <summary>Reads the texts and checks that those needed are there.</summary>
    public async Task OpenAsync(IEnumerable<string> needed, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT QueryKey, QueryText FROM OrleansQuery");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var texts = new Dictionary<string, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            texts[reader.GetString(0)] = reader.GetString(1);
        }

        _texts = texts;
        var missing = needed.Except(texts.Keys).ToArray();
        if (missing.Length > 0)
        {
            throw new InvalidOperationException($"The table OrleansQuery lacks {string.Join(", ", missing)}: apply deploy/postgres/orleans.sql.");
        }
    }

    public async Task<List<T>> ReadAsync<T>(
        string key, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        await using var command = _source.CreateCommand(_texts[key]);
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    public ValueTask DisposeAsync() => _owned ? _source.DisposeAsync() : ValueTask.CompletedTask;
}
