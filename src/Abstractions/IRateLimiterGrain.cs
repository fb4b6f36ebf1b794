using OrleansPolicy.Admission;

namespace OrleansPolicy.Abstractions;

/// <summary>The admission limiter of one tenant (key: the tenant). Durable before it answers "allowed".</summary>
[Alias("policy.rate-limiter")]
public interface IRateLimiterGrain : IGrainWithStringKey
{
    /// <summary>Takes one admission. The value tells whether it was allowed; a refusal is no failure.</summary>
    [Alias("take")]
    Task<Outcome<AdmissionAnswer>> TakeAsync([Immutable] AdmissionDemand demand, [Immutable] Caller caller);

    /// <summary>The same without taking. Fails with <see cref="CommonCodes.StoreUnavailable"/>.</summary>
    [Alias("peek")]
    Task<Outcome<AdmissionAnswer>> PeekAsync([Immutable] AdmissionDemand demand);

    /// <summary>Gives up a place in the queue (<see cref="Caller.Place"/>), so that nobody waits for one who is gone.</summary>
    [Alias("leave")]
    Task LeaveAsync(string place);

    /// <summary>The limits in force. Fails with <see cref="CommonCodes.StoreUnavailable"/>.</summary>
    [Alias("limits")]
    Task<Outcome<UpdateLimits>> ReadLimitsAsync();

    /// <summary>
    /// Changes the limits at run time, all of them. With <see cref="UpdateLimits.FileHash"/> they come from a settings file: then nothing
    /// changes where the same file was put in force before. Fails with <c>admission.limit_invalid</c>.
    /// </summary>
    [Alias("configure")]
    Task<Outcome<UpdateLimits>> ConfigureAsync([Immutable] UpdateLimits limits, [Immutable] Caller caller);
}
