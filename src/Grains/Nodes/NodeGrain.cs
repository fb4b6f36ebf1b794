using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Grains.Nodes;

/// <summary>
/// A node's last ten reloads. They are kept at once and written at most once a second, each node's at another moment of it: when a whole fleet
/// reloads, its nodes' writes spread instead of meeting.
/// </summary>
[GrainType("policy.node")]
internal sealed class NodeGrain(
    [PersistentState(StateNames.NodeHistory, StateNames.Provider)] IPersistentState<NodeHistoryState> state, ILogger<NodeGrain> logger)
    : Grain, INodeGrain
{
    private const int ReloadsMax = 10;
    private static readonly TimeSpan WriteInterval = TimeSpan.FromSeconds(1);

    private NodeHistory _history = new();
    private bool _dirty;
    private IGrainTimer? _writer;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _history = state.State?.History ?? new NodeHistory();
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task RecordReloadAsync(ReloadRecord reload, long epoch)
    {
        // A report may come twice, through two silos or after a lost answer.
        if (!_history.Reloads.Contains(reload))
        {
            ImmutableArray<ReloadRecord> reloads = [reload, .. _history.Reloads.Take(ReloadsMax - 1)];
            _history = new NodeHistory { PolicyHash = reload.PolicyHash, Version = reload.Version, Epoch = epoch, Reloads = reloads };
            _dirty = true;
            var due = WriteInterval + (WriteInterval * PlaceInSecond());
            _writer ??= this.RegisterGrainTimer(
                WriteAsync, new GrainTimerCreationOptions { DueTime = due, Period = WriteInterval, KeepAlive = true });
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<NodeHistory> GetAsync() => Task.FromResult(_history);

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await WriteAsync();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    // By name and not by chance: nodes spread as well, and a simulation stays repeatable.
    private double PlaceInSecond() =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(this.GetPrimaryKeyString()))) / (double)uint.MaxValue;

    private async Task WriteAsync()
    {
        if (!_dirty)
        {
            _writer?.Dispose();
            _writer = null;
            return;
        }

        try
        {
            _dirty = false;
            state.State = new NodeHistoryState { History = _history };
            await state.WriteStateAsync();
        }
#pragma warning disable CA1031 // Whatever a storage provider throws, the answer is the same: start anew from what is stored.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogWarning(exception, "The reload history of {Node} could not be written.", this.GetPrimaryKeyString());
            DeactivateOnIdle();
        }
    }
}
