using System.Collections.Immutable;
using System.Text.Json;
using Orleans.Concurrency;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Abstractions;

/// <summary>One wave (key: <c>tenant/wave</c>): brings one bundle to several fleets, step by step, by a rollout for each.</summary>
[Alias("policy.rollout-wave")]
public interface IRolloutWaveGrain : IGrainWithStringKey
{
    /// <summary>
    /// Starts it, once the start of every fleet's rollout has been tried without doing it; all problems at once: those of
    /// <see cref="WaveRules"/> and of a rollout's start. Takes no admission: each rollout takes its own.
    /// </summary>
    [Alias("start")]
    Task<Outcome<WaveView>> StartAsync([Immutable] StartWave request, [Immutable] Caller caller);

    /// <summary>The wave now. Fails with <c>wave.unknown</c>.</summary>
    [Alias("get")]
    Task<Outcome<WaveView>> GetAsync();

    /// <summary>Halts it: nothing further starts, and what is in flight is paused. Fails with <c>wave.state</c>.</summary>
    [Alias("pause")]
    Task<Outcome<WaveView>> PauseAsync(string reason, [Immutable] Caller caller);

    /// <summary>Goes on with it and with its rollouts. Fails with <c>wave.state</c>.</summary>
    [Alias("resume")]
    Task<Outcome<WaveView>> ResumeAsync(string reason, [Immutable] Caller caller);

    /// <summary>Takes every fleet back that it brought the bundle to; never limited. Fails with <c>wave.state</c>.</summary>
    [Alias("roll-back")]
    Task<Outcome<WaveView>> RollBackAsync(string reason, [Immutable] Caller caller);

    /// <summary>Gives it up: what it brought stays, what is in flight is on its own. Fails with <c>wave.state</c>.</summary>
    [Alias("end")]
    Task<Outcome<WaveView>> EndAsync(string reason, [Immutable] Caller caller);

    /// <summary>Tells that one of its rollouts has changed.</summary>
    [Alias("look")]
    [OneWay]
    Task LookAsync();
}

/// <summary>A request for a wave.</summary>
/// <param name="Fleets">The fleets, by step: the steps follow each other, the fleets of one go side by side.</param>
/// <param name="Ref">The bundle: a hash, a version, <c>tag:NAME</c> or <c>tag:NAME@FLEET</c>.</param>
/// <param name="RolloutWedge">The plan of every fleet.</param>
/// <param name="Critical">Whether the bounds of critical subsystems apply.</param>
/// <param name="OnHalt">What follows where a fleet shows that something is wrong.</param>
/// <param name="Overrides">What is otherwise for single fleets.</param>
/// <param name="Reason">Why.</param>
public sealed record StartWave(
    ImmutableArray<ImmutableArray<string>> Fleets, string Ref, JsonElement RolloutWedge, bool Critical, WaveOnHalt OnHalt,
    ImmutableArray<WaveOverride> Overrides, string Reason);
