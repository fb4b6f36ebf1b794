using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Http;

/// <summary>For the few writes that no grain makes: tenants and keys.</summary>
internal static class DirectWrites
{
    /// <summary>An audit entry of what somebody did over HTTP.</summary>
    public static AuditDraft Did(
        this Actor by, string action, string subject, DateTimeOffset at, ImmutableSortedDictionary<string, string>? detail = null) => new()
        {
            At = at,
            Actor = by.Subject,
            Action = action,
            Subject = subject,
            Interface = by.Interface,
            Detail = detail,
        };

    /// <summary>A commit that did not come about, as a failure.</summary>
    public static Outcome<T> Refuse<T>(this CommitResult result) => result.Status switch
    {
        CommitStatus.OperationExists => Outcome<T>.Fail(CommonCodes.OperationExists, "The request was done before."),
        CommitStatus.Committed => throw new InvalidOperationException("A commit that came about is no failure."),
        _ => Outcome<T>.Fail(CommonCodes.Conflict, "Somebody else changed the same thing meanwhile. Look again and retry."),
    };
}
