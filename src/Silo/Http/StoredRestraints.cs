using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Http;

/// <summary>What a tenant holds back, read for who asks.</summary>
internal static class StoredRestraints
{
    /// <summary>What is stored; nothing was ever said: <see cref="Restraints.None"/>.</summary>
    public static async Task<Restraints> ReadRestraintsAsync(this IRolloutStore store, string tenant, CancellationToken cancellationToken) =>
        (await store.ListControlsAsync(tenant, ControlKinds.Restraints, ControlKinds.OfTenant, cancellationToken)).FirstOrDefault()?.Read<Restraints>()
            ?? Restraints.None;
}
