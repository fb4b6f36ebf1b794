using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Grains.Waves;

/// <summary>
/// Finds a wave's fleets, and asks of their rollouts what the wave wants of them. Each may be asked twice: a start and a fast-track
/// have ids of their own, and a rollout that is where it is wanted says so.
/// </summary>
internal sealed class WaveOrders(IRolloutStore store, IGrainFactory grains)
{
    /// <summary>The request for a fleet's rollout.</summary>
    public static StartRollout StartOf(Wave wave, string fleet) =>
        new(fleet, wave.Target, wave.PlanOf(fleet), wave.Critical, wave.Reason, wave.WaiverOf(fleet), wave.WaveId);

    /// <summary>The fleets of some of its steps, as they are now.</summary>
    public async Task<ImmutableArray<WaveFleet>> FindAsync(string tenant, Wave wave, Func<int, bool> ofStep)
    {
        var places = wave.Places().Where(place => ofStep(place.Step)).ToList();
        var found = (await store.FindRolloutsAsync(tenant, [.. places.SelectMany(place => new[] { wave.RolloutIdOf(place.Fleet), wave.BackIdOf(place.Fleet) })]))
            .ToDictionary(rollout => rollout.RolloutId, StringComparer.Ordinal);
        return
        [
            .. places.Select(place => new WaveFleet(
                place.Fleet, place.Step, found.GetValueOrDefault(wave.RolloutIdOf(place.Fleet)), found.GetValueOrDefault(wave.BackIdOf(place.Fleet)))),
        ];
    }

    /// <summary>Asks it of one fleet; the answer is what came of it.</summary>
    public async Task<Outcome<RolloutView>> AskAsync(string tenant, Wave wave, WaveFleet fleet, WaveOrder order)
    {
        var rollout = grains.Rollout(tenant, wave.RolloutIdOf(fleet.Fleet));
        var because = $"Wave {wave.WaveId}: {wave.Why.Sentence}";
        try
        {
            return order switch
            {
                WaveOrder.Start => await rollout.StartAsync(StartOf(wave, fleet.Fleet), Through(wave.By)),
                WaveOrder.Pause => await rollout.PauseAsync(because, Through(wave.ChangedBy)),
                WaveOrder.Resume => await rollout.ResumeAsync(because, Through(wave.ChangedBy)),
                WaveOrder.RollBack => await rollout.RollBackAsync(because, Through(wave.ChangedBy)),
                // To what the fleet ran before the wave, expired or not: a rollback of what is in flight does not ask either.
                WaveOrder.FastTrack => await grains.Rollout(tenant, wave.BackIdOf(fleet.Fleet)).FastTrackAsync(
                    new FastTrackFleet(fleet.Fleet, fleet.Rollout!.Fallback, AllowExpired: true, because, Leaving: wave.Target), Through(wave.ChangedBy)),
                _ => throw new ArgumentOutOfRangeException(nameof(order)),
            };
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            return Outcome<RolloutView>.Fail(CommonCodes.StoreUnavailable, $"The rollout of {fleet.Fleet} did not answer.");
        }
    }

    private static Caller Through(Actor by) => new(by with { Interface = Wave.Interface });
}
