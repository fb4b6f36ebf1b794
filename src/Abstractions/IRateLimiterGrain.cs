using OrleansPolicy.Admission;

namespace OrleansPolicy.Abstractions;

/// <summary>The admission limiter of one tenant (key: the tenant). Durable before it answers "allowed".</summary>
[Alias("policy.rate-limiter")]
public interface IRateLimiterGrain : IGrainWithStringKey
{
    /// <summary>Takes one admission. The value tells whether it was allowed; a refusal is no failure.</summary>
    [Alias("take")]
    Task<Outcome<AdmissionAnswer>> TakeAsync([Immutable] Caller caller);

    /// <summary>The same without taking. Fails with <see cref="CommonCodes.StoreUnavailable"/>.</summary>
    [Alias("peek")]
    Task<Outcome<AdmissionAnswer>> PeekAsync();

    /// <summary>Changes the limit at run time. Fails with <c>admission.limit_invalid</c>.</summary>
    [Alias("configure")]
    Task<Outcome<AdmissionAnswer>> ConfigureAsync([Immutable] UpdateLimit limit, [Immutable] Caller caller);
}
