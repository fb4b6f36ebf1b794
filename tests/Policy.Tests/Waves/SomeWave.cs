using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Policy.Tests.Rollouts;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Policy.Tests.Waves;

/// <summary>A wave over three fleets in two steps, and fleets as it may find them.</summary>
internal static class SomeWave
{
    public static readonly DateTimeOffset Now = Fleet.Start;
    public static readonly Actor Ada = new("ada", "http", "key-ada");

    public static Wave Opened { get; } = WaveDecider.Open(new Wave
    {
        WaveId = "w1",
        Target = Fleet.V2,
        Fleets = [["eu-1"], ["eu-2", "us-1"]],
        RolloutWedge = JsonElement.Parse("{}"),
        By = Ada,
        Reason = "new rules",
        StartedAt = Now,
        Why = new Why("", "", Now),
        ChangedBy = Ada,
    });

    /// <summary>A fleet whose rollout is in a phase, paused for a reason and at a time.</summary>
    public static WaveFleet At(string name, int step, RolloutPhase phase, string why = RolloutReasons.Window, DateTimeOffset? pausedAt = null)
    {
        var fleet = new Fleet();
        fleet.StartRollout(Fleet.Plan(5, 100));
        return new WaveFleet(name, step, fleet.Rollout with
        {
            RolloutId = Opened.RolloutIdOf(name),
            Fleet = name,
            Phase = phase,
            PausedAt = pausedAt,
            Why = new Why(why, $"{name} says {why}", Now),
        });
    }

    public static WaveFleet NotBegun(string name, int step, string? refused = null) =>
        new(name, step, Refused: refused is null ? null : new Problem(refused, "no"));

    public static Wave Do(this Wave wave, WaveCommand command) => Outcome(wave, command).Value!;

    public static Outcome<Wave> Outcome(this Wave wave, WaveCommand command) => WaveDecider.Decide(wave, command, Now.AddHours(1));

    public static Wave Look(this Wave wave, params ImmutableArray<WaveFleet> fleets) => wave.Do(new WaveCommand.Look(fleets));
}
