using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>Values on their way to the database, each with its type said: a null has one too, and so prepared statements are shared.</summary>
internal static class SqlValue
{
    public static NpgsqlParameter Text(string? value) => Of(NpgsqlDbType.Text, value is null ? null : StoredText.Clean(value));

    public static NpgsqlParameter Texts(IEnumerable<string?> values) =>
        Of(NpgsqlDbType.Array | NpgsqlDbType.Text, values.Select(value => value is null ? null : StoredText.Clean(value)).ToArray());

    public static NpgsqlParameter Json<T>(T record) => Of(NpgsqlDbType.Jsonb, StoredText.Json(record));

    public static NpgsqlParameter Jsons<T>(IEnumerable<T> records) =>
        Of(NpgsqlDbType.Array | NpgsqlDbType.Jsonb, records.Select(StoredText.Json).ToArray());

    public static NpgsqlParameter Bytes(ImmutableArray<byte> value) => Of(NpgsqlDbType.Bytea, ImmutableCollectionsMarshal.AsArray(value));

    public static NpgsqlParameter ManyBytes(IEnumerable<ImmutableArray<byte>> values) =>
        Of(NpgsqlDbType.Array | NpgsqlDbType.Bytea, values.Select(value => ImmutableCollectionsMarshal.AsArray(value)).ToArray());

    public static NpgsqlParameter Int(int value) => Of(NpgsqlDbType.Integer, value);

    public static NpgsqlParameter Ints(IEnumerable<int> values) => Of(NpgsqlDbType.Array | NpgsqlDbType.Integer, values.ToArray());

    public static NpgsqlParameter Long(long? value) => Of(NpgsqlDbType.Bigint, value);

    public static NpgsqlParameter Longs(IEnumerable<long> values) => Of(NpgsqlDbType.Array | NpgsqlDbType.Bigint, values.ToArray());

    public static NpgsqlParameter Flag(bool value) => Of(NpgsqlDbType.Boolean, value);

    /// <summary>A moment, in UTC; the database keeps microseconds.</summary>
    public static NpgsqlParameter Time(DateTimeOffset? value) => Of(NpgsqlDbType.TimestampTz, value?.UtcDateTime);

    public static NpgsqlParameter Times(IEnumerable<DateTimeOffset> values) =>
        Of(NpgsqlDbType.Array | NpgsqlDbType.TimestampTz, values.Select(value => value.UtcDateTime).ToArray());

    private static NpgsqlParameter Of(NpgsqlDbType type, object? value) => new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };
}
