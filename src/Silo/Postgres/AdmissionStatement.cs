using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// An admission that is nothing but an admission, in one statement and one round trip. It needs to know where the tenant's audit chain
/// ends, which the commit before told; where somebody else wrote since, the general way does it.
/// </summary>
internal static class AdmissionStatement
{
    private const string OperationExists = "PO001";
    private const string AdmissionStale = "PO002";
    private const string HeadMoved = "PO003";

    private const string Sql = "SELECT policy_admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

    /// <summary>Whether the change is one: an admission with one audit entry, perhaps an operation, and nothing else.</summary>
    public static bool Fits(PolicyChange change) =>
        change is { Admission: not null, Audit.Length: 1 }
        && change == new PolicyChange { Tenant = change.Tenant, Audit = change.Audit, Operation = change.Operation, Admission = change.Admission };

    /// <summary>Does it; null: the chain does not end where it was thought to.</summary>
    public static async Task<CommitResult?> RunAsync(
        NpgsqlConnection connection, PolicyChange change, AuditHead head, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (admission, operation) = (change.Admission!, change.Operation);
        var entry = AuditChain.Append(head, StoredText.Clean(change.Audit[0]));
        await using var command = new NpgsqlCommand(Sql, connection)
        {
            Parameters =
            {
                SqlValue.Text(change.Tenant), SqlValue.Json(admission.State), SqlValue.Json(admission.Limits), SqlValue.Long(admission.ExpectedRevision),
                SqlValue.Text(operation?.KeyId), SqlValue.Text(operation?.OperationId), SqlValue.Text(operation?.BodyHash), SqlValue.Int(operation?.Status ?? 0),
                SqlValue.Text(operation?.Response), SqlValue.Time(now), SqlValue.Time(now - CommitBatch.OperationKept),
                SqlValue.Long(entry.Seq), SqlValue.Text(entry.Draft.Subject), SqlValue.Json(entry.Draft), SqlValue.Text(entry.PrevHash), SqlValue.Text(entry.Hash),
            },
        };
        try
        {
            // Made again on a connection that was dead, it cannot be done twice: its operation is there, or the limiter's revision moved on.
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new CommitResult(CommitStatus.Committed, new AuditHead(entry.Seq, entry.Hash));
        }
        catch (PostgresException e) when (e.SqlState is OperationExists or AdmissionStale or HeadMoved)
        {
            return e.SqlState switch
            {
                OperationExists => new CommitResult(CommitStatus.OperationExists, Detail: "operation"),
                AdmissionStale => new CommitResult(CommitStatus.Stale, Detail: "admission"),
                _ => null,
            };
        }
    }
}
