using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Starts a wave: one bundle to several fleets, step by step. All that is wrong with any of them is told at once.</summary>
    public Task<WaveView> StartWaveAsync(NewWave wave, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewWave, WaveView>(HttpMethod.Post, "/waves", wave, idempotencyKey, cancellationToken);

    /// <summary>The waves, newest first, without the states of their fleets.</summary>
    public Task<ImmutableArray<WaveView>> ListWavesAsync(CancellationToken cancellationToken = default) =>
        ListAsync<WaveView>("/waves", "waves", cancellationToken);

    /// <summary>One wave with the rollouts of its fleets.</summary>
    public Task<WaveView> GetWaveAsync(string waveId, CancellationToken cancellationToken = default) =>
        GetAsync<WaveView>("/waves/" + Segment(waveId), cancellationToken);

    /// <summary>Halts it: nothing further starts, and its rollouts in flight are paused.</summary>
    public Task<WaveView> PauseWaveAsync(string waveId, string reason, CancellationToken cancellationToken = default) =>
        ActOnWaveAsync(waveId, "pause", reason, cancellationToken);

    /// <summary>Goes on with it and with its rollouts.</summary>
    public Task<WaveView> ResumeWaveAsync(string waveId, string reason, CancellationToken cancellationToken = default) =>
        ActOnWaveAsync(waveId, "resume", reason, cancellationToken);

    /// <summary>Takes every fleet back that it brought the bundle to.</summary>
    public Task<WaveView> RollBackWaveAsync(string waveId, string reason, CancellationToken cancellationToken = default) =>
        ActOnWaveAsync(waveId, "rollback", reason, cancellationToken);

    /// <summary>Gives it up: what it brought stays, what is in flight is on its own.</summary>
    public Task<WaveView> EndWaveAsync(string waveId, string reason, CancellationToken cancellationToken = default) =>
        ActOnWaveAsync(waveId, "end", reason, cancellationToken);

    private Task<WaveView> ActOnWaveAsync(string waveId, string action, string reason, CancellationToken cancellationToken) =>
        SendJsonAsync<ReasonBody, WaveView>(
            HttpMethod.Post, $"/waves/{Segment(waveId)}/{action}", new ReasonBody(reason), null, cancellationToken);
}

/// <summary>A wave to be started.</summary>
public sealed record NewWave
{
    /// <summary>The fleets, by step: the steps follow each other, the fleets of one go side by side.</summary>
    public required ImmutableArray<ImmutableArray<string>> Fleets { get; init; }

    /// <summary>The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</summary>
    public required string Ref { get; init; }

    /// <summary>The plan of every fleet.</summary>
    public required JsonElement RolloutWedge { get; init; }

    /// <summary>What is otherwise for single fleets.</summary>
    public ImmutableArray<WaveOverride> Overrides { get; init; } = [];

    /// <summary>Whether the bounds of critical subsystems apply.</summary>
    public bool Critical { get; init; }

    /// <summary>What follows where a fleet's rollout goes back or pauses by itself.</summary>
    public WaveOnHalt OnHalt { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }
}
