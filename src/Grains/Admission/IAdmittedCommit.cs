using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Admission;

/// <summary>The way of the other grains to a change that takes an admission (key: the tenant). Implemented by the limiter.</summary>
[Alias("policy.admitted-commit")]
internal interface IAdmittedCommit : IGrainWithStringKey
{
    /// <summary>
    /// Commits the change together with one admission, or nothing. Fails with <see cref="CommonCodes.AdmissionRefused"/> or
    /// <see cref="CommonCodes.AdmissionQueueFull"/> and the time to wait. A change whose operation was done before takes none.
    /// </summary>
    [Alias("commit")]
    Task<Outcome<CommitResult>> CommitAsync([Immutable] PolicyChange change, [Immutable] AdmissionDemand demand, string? place);
}
