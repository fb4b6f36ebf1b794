using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Waves;

/// <summary>A wave for a reader.</summary>
public sealed record WaveView
{
    /// <summary>Its id.</summary>
    public required string WaveId { get; init; }

    /// <summary>ACTIVE, HALTED, COMPLETE, ROLLED_BACK or ENDED.</summary>
    public required WavePhase State { get; init; }

    /// <summary>The hash it brings.</summary>
    public required string Target { get; init; }

    /// <summary>The step it is in, from 1; where it is over, the last that began.</summary>
    public int Step { get; init; }

    /// <summary>How many there are.</summary>
    public int Steps { get; init; }

    /// <summary>Its fleets, in order.</summary>
    public ImmutableArray<WaveFleetView> Fleets { get; init; } = [];

    /// <summary>Whether the plans are held to the bounds of critical subsystems.</summary>
    public bool Critical { get; init; }

    /// <summary>What follows where a fleet shows that something is wrong.</summary>
    public WaveOnHalt OnHalt { get; init; }

    /// <summary>Who started it.</summary>
    public required string By { get; init; }

    /// <summary>The author's reason.</summary>
    public required string Reason { get; init; }

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When nothing more was left to do; null: something is.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it stands where it stands.</summary>
    public required Why Why { get; init; }

    /// <summary>Fleets that could not be taken back with it.</summary>
    public ImmutableArray<WaveNotReturned> NotReturned { get; init; } = [];

    /// <summary>A wave without its rollouts, as lists show it.</summary>
    public static WaveView Of(Wave wave)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return Of(wave, [.. wave.Places().Select(place => new WaveFleetView(place.Fleet, place.Step + 1))]);
    }

    /// <summary>A wave with its rollouts.</summary>
    public static WaveView Of(Wave wave, ImmutableArray<WaveFleet> fleets)
    {
        ArgumentNullException.ThrowIfNull(wave);
        return Of(wave, [.. fleets.Select(fleet => ViewOf(wave, fleet))]);
    }

    private static WaveView Of(Wave wave, ImmutableArray<WaveFleetView> fleets) => new()
    {
        WaveId = wave.WaveId,
        State = wave.State,
        Target = wave.Target,
        Step = wave.Step + 1,
        Steps = wave.Fleets.Length,
        Fleets = fleets,
        Critical = wave.Critical,
        OnHalt = wave.OnHalt,
        By = wave.By.Subject,
        Reason = wave.Reason,
        StartedAt = wave.StartedAt,
        EndedAt = wave.EndedAt,
        Why = wave.Why,
        NotReturned = wave.NotReturned,
    };

    private static WaveFleetView ViewOf(Wave wave, WaveFleet fleet) => new(fleet.Fleet, fleet.Step + 1)
    {
        // What a wave has left behind without a rollout ran the bundle before.
        State = fleet.Back is not null ? RolloutPhase.RolledBack
            : fleet.Rollout?.Phase ?? (fleet.Step < wave.Step || wave.State == WavePhase.Complete ? RolloutPhase.Complete : RolloutPhase.Pending),
        RolloutId = fleet.Rollout?.RolloutId,
        BackId = fleet.Back?.RolloutId,
        Percentage = fleet.Rollout?.Percentage,
        Why = (fleet.Back ?? fleet.Rollout)?.Why.Sentence ?? fleet.Refused?.Message,
        Code = (fleet.Back ?? fleet.Rollout)?.Why.Code ?? fleet.Refused?.Code,
    };
}

/// <summary>A fleet of a wave for a reader.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Step">Its step, from 1.</param>
public sealed record WaveFleetView(string Fleet, int Step)
{
    /// <summary>PENDING before its turn, then its rollout's state; null in lists.</summary>
    public RolloutPhase? State { get; init; }

    /// <summary>Its rollout; null: none has begun, or it ran the bundle before its turn.</summary>
    public string? RolloutId { get; init; }

    /// <summary>The fast-track that took it back after its rollout was complete.</summary>
    public string? BackId { get; init; }

    /// <summary>The percentage of its rollout.</summary>
    public decimal? Percentage { get; init; }

    /// <summary>Why it stands where it stands, or why it does not start yet.</summary>
    public string? Why { get; init; }

    /// <summary>The code of that.</summary>
    public string? Code { get; init; }
}
