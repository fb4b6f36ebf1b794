using OrleansPolicy.Fleets;

namespace OrleansPolicy.Abstractions;

/// <summary>One node (key: <c>tenant/fleet/node</c>): its active bundle and its last ten reloads.</summary>
[Alias("policy.node")]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>Notes what the node reported of a reload. Kept at once, durable within seconds.</summary>
    [Alias("record-reload")]
    Task RecordReloadAsync([Immutable] ReloadRecord reload, long epoch);

    /// <summary>What it runs, and its last ten reloads, newest first.</summary>
    [Alias("get")]
    Task<NodeHistory> GetAsync();
}
