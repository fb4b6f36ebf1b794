using OrleansPolicy.Audit;

namespace OrleansPolicy.Abstractions;

/// <summary>Who asks, and under which id, so that asking twice does it once.</summary>
/// <param name="By">Who acts; written to the audit.</param>
/// <param name="OperationId">The idempotency key, at most 128 characters; null: asking twice does it twice.</param>
/// <param name="RequestHash">Hex SHA-256 over the request; the same id with another hash is refused with <c>operation.reused</c>.</param>
/// <param name="Place">
/// Where the update limit refuses, the id of a place in the tenant's queue: one who comes back under it is let in before those who came
/// later. Null: who is refused does not wait.
/// </param>
public sealed record Caller(Actor By, string? OperationId = null, string? RequestHash = null, string? Place = null);

/// <summary>Codes that mean something to every caller of a grain.</summary>
public static class CommonCodes
{
    /// <summary>The operation was done before under the same id; its answer is stored.</summary>
    public const string OperationExists = "operation.exists";

    /// <summary>Somebody else changed it meanwhile, several times over: look again and retry.</summary>
    public const string Conflict = "store.conflict";

    /// <summary>The store did not answer. Whether a change took effect is unknown: ask again under the same operation id.</summary>
    public const string StoreUnavailable = "store.unavailable";

    /// <summary>The limiter refused; <see cref="Outcome{T}.RetryAfter"/> tells when to come back.</summary>
    public const string AdmissionRefused = "admission.refused";

    /// <summary>The limiter refused, and there is no place left to wait in; <see cref="Outcome{T}.RetryAfter"/> tells when to come back.</summary>
    public const string AdmissionQueueFull = "admission.queue_full";
}
