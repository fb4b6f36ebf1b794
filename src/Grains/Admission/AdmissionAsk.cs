using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Admission;

/// <summary>One who asks for an admission.</summary>
/// <param name="Demand">What for.</param>
/// <param name="Place">Its place among those who wait for the limits; null: it does not wait.</param>
/// <param name="Describe">What is to become true where this is the answer.</param>
internal sealed record AdmissionAsk(AdmissionDemand Demand, string? Place, Func<AdmissionAnswer, PolicyChange> Describe)
{
    /// <summary>What became of it; null: it is its turn yet.</summary>
    public Task<AdmissionTaken>? Taken { get; set; }

    /// <summary>Whether it is taken by itself, as something is wrong with it or with one that was to be made durable together with it.</summary>
    public bool IsAlone { get; set; }
}

/// <summary>What became of an ask: the limits' answer, and the commit's where there was one.</summary>
internal sealed record AdmissionTaken(AdmissionAnswer Answer, Outcome<CommitResult> Result);
