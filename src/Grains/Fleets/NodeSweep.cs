using OrleansPolicy.Fleets;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>
/// Takes out the nodes that were not heard for their fleet's time to live. It knows no more of them than that: where no lease ends, a node
/// that others wait for stays until somebody says that it does not serve any more.
/// </summary>
internal sealed class NodeSweep(FleetRegistry registry, Func<FleetSettings> settings, TimeProvider clock)
{
    /// <summary>The most that one sweep takes out, each in a transaction of its own.</summary>
    public const int RemovedMax = 100;

    /// <summary>Sweeps once.</summary>
    /// <param name="isGoingBackAsync">Whether a way back of the fleet is open; asked only where no lease ends.</param>
    /// <param name="removeAsync">Takes a node out.</param>
    public async Task RunAsync(Func<Task<bool>> isGoingBackAsync, Func<string, Task> removeAsync)
    {
        var removed = 0;
        foreach (var node in registry.LeftAt(settings(), clock.GetUtcNow()))
        {
            var isWaitedFor = registry.Find(node) is { } silent && silent.FencedAt(settings(), null) is null
                && (silent.Record.ParityGroup is not null || await isGoingBackAsync());

            // Looked at again, and last: what came before took its time, and who was heard meanwhile has not left.
            if (!isWaitedFor && registry.Find(node)?.StateAt(settings(), clock.GetUtcNow()) == NodeState.Left)
            {
                await removeAsync(node);
                removed++;
            }

            if (removed == RemovedMax)
            {
                return;
            }
        }
    }
}
