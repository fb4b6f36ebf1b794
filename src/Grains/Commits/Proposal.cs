using OrleansPolicy.Admission;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Commits;

/// <summary>What a grain wants to make true, and what it will answer then.</summary>
/// <param name="Answer">The answer once it is true.</param>
/// <param name="Change">The change; null: it is true already.</param>
internal sealed record Proposal<T>(T Answer, PolicyChange? Change = null)
{
    /// <summary>The admission it takes; null: none.</summary>
    public AdmissionDemand? Admission { get; init; }

    /// <summary>What follows once it is durable: caches, news. Its failures must not undo the answer, so it handles them itself.</summary>
    public Func<Task>? Then { get; init; }
}
