using Npgsql;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>
/// Admissions that are nothing but admissions, in one statement and one round trip. It needs to know where the tenant's audit chain
/// ends, which the commit before told; where somebody else wrote since, the general way does it.
/// </summary>
internal static class AdmissionStatement
{
    private const string OperationExists = "PO001";
    private const string AdmissionStale = "PO002";
    private const string HeadMoved = "PO003";

    private const string Sql = "SELECT policy_admit_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

    /// <summary>Whether the change is that: admissions with their audit entries, perhaps operations, and nothing else.</summary>
    public static bool Fits(PolicyChange change) =>
        change is { Admission: not null, Audit.IsEmpty: false }
        && change == new PolicyChange { Tenant = change.Tenant, Audit = change.Audit, Operations = change.Operations, Admission = change.Admission };

    /// <summary>Does it; null: the chain does not end where it was thought to.</summary>
    public static async Task<CommitResult?> RunAsync(
        NpgsqlConnection connection, PolicyChange change, AuditHead head, DateTimeOffset now, StoreAttempt attempt, CancellationToken cancellationToken)
    {
        var admission = change.Admission!;
        var entries = AuditAppend.Chain(head, change.Audit);
        NpgsqlParameter[] parameters =
        [
            SqlValue.Text(change.Tenant), SqlValue.Json(admission.State), SqlValue.Json(admission.Limits), SqlValue.Long(admission.ExpectedRevision),
            .. CommitBatch.OperationValues(change.Operations), SqlValue.Time(now), SqlValue.Time(now - CommitBatch.OperationKept),
            SqlValue.Long(head.Seq), SqlValue.Text(head.Hash), SqlValue.Texts(entries.Select(entry => entry.Draft.Subject)),
            SqlValue.Jsons(entries.Select(entry => entry.Draft)), SqlValue.Texts(entries.Select(entry => entry.Hash)),
        ];
        await using var command = new NpgsqlCommand(Sql, connection);
        Array.ForEach(parameters, parameter => command.Parameters.Add(parameter));

        // Made again on a connection that was dead, it cannot be done twice: the limiter's revision moved on. Whose operation is there then
        // is told that it was done; an admission without one would be told nothing, and be taken again. Each has one entry.
        attempt.MayHaveTakenEffect = change.Operations.Length < change.Audit.Length;
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new CommitResult(CommitStatus.Committed, new AuditHead(entries[^1].Seq, entries[^1].Hash));
        }
        catch (PostgresException e) when (e.SqlState is OperationExists or AdmissionStale or HeadMoved)
        {
            attempt.MayHaveTakenEffect = false;
            return e.SqlState switch
            {
                OperationExists => new CommitResult(CommitStatus.OperationExists, Detail: "operation"),
                AdmissionStale => new CommitResult(CommitStatus.Stale, Detail: "admission"),
                _ => null,
            };
        }
    }
}
