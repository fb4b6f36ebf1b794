using Orleans.Runtime;

namespace Orleans;

/// <summary>What the runtime asks of a grain class; <see cref="Grain"/> is the usual way to have it.</summary>
public interface IGrainBase
{
    IGrainContext GrainContext { get; }

    Task OnActivateAsync(CancellationToken token) => Task.CompletedTask;

    Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token) => Task.CompletedTask;
}
