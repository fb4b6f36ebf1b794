using System.Security.Cryptography;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Whether a database that answers also takes writes: a full disk, a volume that fails and a server made read-only still serve
/// reads. A write that was refused for such a reason is remembered until a trial write succeeds.
/// </summary>
public sealed class WriteHealth(NpgsqlDataSource dataSource)
{
    /// <summary>What requests and /readyz say of it.</summary>
    public const string UnwritableCode = "store.unwritable";

    // What it writes has to find room: more than the rest of a page, and too random to be made small.
    private const int TrialBytes = 32 * 1024;

    // What every change writes: its answer and its audit entry, of a tenant that there cannot be.
    private static readonly string[] TrialSql =
    [
        "INSERT INTO operation (key_id, operation_id, body_hash, status, response, created_at) VALUES ('trial write', $1, '', 0, $2, now())",
        "INSERT INTO policy_audit (tenant, seq, subject, draft, prev_hash, hash) VALUES ('trial write ' || $1, 1, '', to_jsonb($2), '', '')",
    ];

    private readonly StoreCalls _calls = new(dataSource);
    private volatile bool _refused;

    /// <summary>Whether a write was refused, and none succeeded since.</summary>
    public bool IsRefused => _refused;

    /// <summary>Looks again where a write was refused. Throws <see cref="Grains.Storage.StoreUnavailableException"/> only where the server is away.</summary>
    public async Task<bool> LookAsync()
    {
        if (_refused)
        {
            _refused = await _calls.RunAsync((_, token) => IsRefusedAsync(token), CancellationToken.None);
        }

        return !_refused;
    }

    /// <summary>Notes why a call failed.</summary>
    internal void Note(Exception failure) => _refused |= IsRefusal(failure);

    private static bool IsRefusal(Exception failure) => failure is PostgresException
    {
        SqlState: PostgresErrorCodes.DiskFull or PostgresErrorCodes.IoError or PostgresErrorCodes.ReadOnlySqlTransaction,
    };

    // Rolled back: it leaves nothing for anybody to read.
    private async Task<bool> IsRefusedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var room = Convert.ToBase64String(RandomNumberGenerator.GetBytes(TrialBytes));
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var sql in TrialSql)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { SqlValue.Text(Guid.NewGuid().ToString("N")), SqlValue.Text(room) } });
        }

        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (IsRefusal(e))
        {
            return true;
        }

        await transaction.RollbackAsync(cancellationToken);
        return false;
    }
}
