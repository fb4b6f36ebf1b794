using System.Security.Cryptography;
using Npgsql;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Whether a database that answers also takes writes: a full disk, a volume that fails and a server made read-only still serve
/// reads. A write that was refused for such a reason is remembered until a trial write succeeds.
/// </summary>
public sealed class WriteHealth(NpgsqlDataSource dataSource)
{
    // What it writes has to find room: more than the rest of a page, and too random to be made small.
    private const int TrialBytes = 32 * 1024;

    private const string TrialSql =
        "INSERT INTO operation (key_id, operation_id, body_hash, status, response, created_at) VALUES ('trial write', $1, '', 0, $2, now())";

    private readonly StoreCalls _calls = new(dataSource);
    private volatile bool _refused;

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
        await using var command = new NpgsqlCommand(TrialSql, connection, transaction)
        {
            Parameters =
            {
                SqlValue.Text(Guid.NewGuid().ToString("N")),
                SqlValue.Text(Convert.ToBase64String(RandomNumberGenerator.GetBytes(TrialBytes))),
            },
        };
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (IsRefusal(e))
        {
            return true;
        }

        await transaction.RollbackAsync(cancellationToken);
        return false;
    }
}
