using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// The statements of one transaction up to the audit head, sent in one round trip. Each guarded statement must touch exactly one
/// row (or as many as said); the first that does not decides what became of the change.
/// </summary>
internal sealed class GuardedBatch : IAsyncDisposable
{
    private readonly NpgsqlBatch _batch;
    private readonly List<Guard> _guards = [];

    public GuardedBatch(NpgsqlConnection connection)
    {
        _batch = new NpgsqlBatch(connection);
        Add("BEGIN");
    }

    /// <summary>A statement whose effect is not looked at.</summary>
    public void Add(string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        Array.ForEach(parameters, parameter => command.Parameters.Add(parameter));
        _batch.BatchCommands.Add(command);
    }

    /// <summary>A statement that must touch so many rows.</summary>
    public void AddGuarded(CommitStatus otherwise, string detail, int rows, string sql, params NpgsqlParameter[] parameters)
    {
        Add(sql, parameters);
        _guards.Add(new Guard(_batch.BatchCommands.Count - 1, rows, otherwise, detail));
    }

    /// <summary>Runs it; the last statement locks and reads the audit head. Either a refusal or the head comes back.</summary>
    public async Task<(CommitResult? Refusal, AuditHead Head)> RunAsync(string tenant, CancellationToken cancellationToken)
    {
        Add(AuditAppend.LockHeadSql, SqlValue.Text(tenant));
        AuditHead? head;
        try
        {
            await using var reader = await _batch.ExecuteReaderAsync(cancellationToken);
            head = await reader.ToSingleAsync(AuditAppend.ReadHead, cancellationToken);
        }
        catch (PostgresException e) when (e.BatchCommand is NpgsqlBatchCommand failed && Refusal(e) is { } refusal)
        {
            // A guard before it comes first: a repeated operation also finds its names taken.
            return (FirstBroken(_batch.BatchCommands.IndexOf(failed)) ?? refusal, AuditHead.Empty);
        }

        return FirstBroken(_batch.BatchCommands.Count) is { } broken ? (broken, AuditHead.Empty)
            : head is null ? (new CommitResult(CommitStatus.Stale, Detail: "audit_head"), AuditHead.Empty)
            : (null, head);
    }

    public ValueTask DisposeAsync() => _batch.DisposeAsync();

    private CommitResult? FirstBroken(int before) =>
        _guards.Find(guard => guard.Index < before && _batch.BatchCommands[guard.Index].RecordsAffected != guard.Rows) is { } broken
            ? new CommitResult(broken.Otherwise, Detail: broken.Detail)
            : null;

    /// <summary>What a broken constraint means. A name that is taken is a conflict; what refers to a row that is not there is stale.</summary>
    private static CommitResult? Refusal(PostgresException e) => (e.SqlState, e.ConstraintName) switch
    {
        (PostgresErrorCodes.UniqueViolation, "api_key_secret") => new CommitResult(CommitStatus.Conflict, Detail: ConflictNames.Key),
        (PostgresErrorCodes.UniqueViolation, ConflictNames.Tenant or ConflictNames.Key or ConflictNames.BundleHash
            or ConflictNames.BundleVersion or ConflictNames.Run or ConflictNames.Fleet or ConflictNames.RolloutInFlight) =>
            new CommitResult(CommitStatus.Conflict, Detail: e.ConstraintName),
        (PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation, _) =>
            new CommitResult(CommitStatus.Stale, Detail: e.ConstraintName),
        _ => null,
    };

    private sealed record Guard(int Index, int Rows, CommitStatus Otherwise, string Detail);
}
