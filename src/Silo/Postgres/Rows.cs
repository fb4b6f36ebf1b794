using System.Collections.Immutable;
using System.Text.Json;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Rows on their way back.</summary>
internal static class Rows
{
    /// <summary>All rows of the result.</summary>
    public static async Task<ImmutableArray<T>> ToArrayAsync<T>(
        this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = ImmutableArray.CreateBuilder<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows.DrainToImmutable();
    }

    /// <summary>The first row; null where there is none.</summary>
    public static async Task<T?> ToSingleAsync<T>(
        this NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        where T : class => await reader.ReadAsync(cancellationToken) ? read(reader) : null;

    public static T Json<T>(this NpgsqlDataReader reader, int column) =>
        JsonSerializer.Deserialize<T>(reader.GetString(column), PolicyJson.Options)
        ?? throw new InvalidDataException($"Column {reader.GetName(column)} holds a JSON null.");

    public static string? Text(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static DateTimeOffset Time(this NpgsqlDataReader reader, int column) => reader.GetFieldValue<DateTimeOffset>(column);
}
