using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.AdoNet;
using Orleans.Configuration;

namespace Orleans.Runtime;

/// <summary>Reminders in PostgreSQL.</summary>
internal sealed class AdoNetReminderRows(IOptions<AdoNetReminderTableOptions> options, IOptions<ClusterOptions> cluster)
    : IReminderRows, ISiloPart, IAsyncDisposable
{
    private const string ReadGrain = "ReadReminderRowsKey";
    private const string ReadOne = "ReadReminderRowKey";
    private const string ReadRange = "ReadRangeRows2Key";
    private const string Upsert = "UpsertReminderRowKey";
    private const string Delete = "DeleteReminderRowKey";

    private readonly OrleansQueries _queries = new(options.Value.Invariant, options.Value.ConnectionString, options.Value.DataSource);

    private NpgsqlParameter ServiceId => new("ServiceId", NpgsqlDbType.Text) { Value = cluster.Value.ServiceId };

    public Task StartAsync(CancellationToken cancellationToken) =>
        _queries.OpenAsync([ReadGrain, ReadOne, ReadRange, Upsert, Delete], cancellationToken);

    /// <summary>The wrapping range from a hash to itself is all of them.</summary>
    public async Task<IReadOnlyList<ReminderRow>> ReadAllAsync() => await _queries.ReadAsync(
        ReadRange,
        ToRow,
        CancellationToken.None,
        ServiceId,
        new("BeginHash", NpgsqlDbType.Integer) { Value = 0 },
        new("EndHash", NpgsqlDbType.Integer) { Value = 0 });

    public async Task<IReadOnlyList<ReminderRow>> ReadAsync(GrainId grainId) =>
        await _queries.ReadAsync(ReadGrain, ToRow, CancellationToken.None, ServiceId, Grain(grainId));

    public async Task<ReminderRow?> ReadAsync(GrainId grainId, string name) =>
        (await _queries.ReadAsync(ReadOne, ToRow, CancellationToken.None, ServiceId, Grain(grainId), Name(name))).FirstOrDefault();

    public async Task<string> UpsertAsync(ReminderRow row) => (await _queries.ReadAsync(
        Upsert,
        reader => Version(reader),
        CancellationToken.None,
        ServiceId,
        Grain(row.GrainId),
        Name(row.ReminderName),
        new("GrainHash", NpgsqlDbType.Integer) { Value = unchecked((int)row.GrainId.GetUniformHashCode()) },
        new("StartTime", NpgsqlDbType.TimestampTz) { Value = row.StartAt },
        new("Period", NpgsqlDbType.Bigint) { Value = (long)row.Period.TotalMilliseconds })).Single();

    public async Task<bool> RemoveAsync(GrainId grainId, string name, string etag) => (await _queries.ReadAsync(
        Delete,
        reader => Convert.ToBoolean(reader.GetValue(0), CultureInfo.InvariantCulture),
        CancellationToken.None,
        ServiceId,
        Grain(grainId),
        Name(name),
        new("Version", NpgsqlDbType.Integer) { Value = int.Parse(etag, CultureInfo.InvariantCulture) })).Single();

    public ValueTask DisposeAsync() => _queries.DisposeAsync();

    private static NpgsqlParameter Grain(GrainId grainId) => new("GrainId", NpgsqlDbType.Text) { Value = grainId.ToString() };

    private static NpgsqlParameter Name(string name) => new("ReminderName", NpgsqlDbType.Text) { Value = name };

    private static ReminderRow ToRow(NpgsqlDataReader reader) => new(
        GrainId.Parse((string)reader["GrainId"]),
        (string)reader["ReminderName"],
        DateTime.SpecifyKind((DateTime)reader["StartTime"], DateTimeKind.Utc),
        TimeSpan.FromMilliseconds(Convert.ToInt64(reader["Period"], CultureInfo.InvariantCulture)),
        Version(reader));

    private static string Version(NpgsqlDataReader reader) =>
        Convert.ToInt32(reader["Version"], CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
}
