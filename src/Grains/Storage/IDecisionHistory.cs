using System.Collections.Immutable;

namespace OrleansPolicy.Grains.Storage;

/// <summary>What a fleet's nodes decided and handed over, as far as it is kept.</summary>
public interface IDecisionHistory
{
    /// <summary>The newest records of a fleet, the oldest of them first, each as it came: at most so many, and fewer where they are large.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be read now.</exception>
    Task<ImmutableArray<string>> ReadNewestAsync(string tenant, string fleet, int most);
}
