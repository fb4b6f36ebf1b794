using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Catalog;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Grains.Waves;

/// <summary>What a new wave would be. Tries the start of every fleet's rollout on what is true now; writes nothing.</summary>
internal sealed class WaveStarts(
    IRolloutStore store,
    IGrainFactory grains,
    StartableBundles bundles,
    RolloutStarts starts,
    TenantRestraints restraints,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    /// <summary>Decides a start. Everything that is wrong with any of the fleets is told at once, each problem with the fleets that have it.</summary>
    public async Task<Outcome<DecidedWave>> DecideAsync(string tenant, string waveId, StartWave request, Caller caller)
    {
        var wrong = WaveRules.Check(request.Fleets, request.Overrides);
        if (!wrong.IsEmpty)
        {
            return Outcome<DecidedWave>.Fail(wrong);
        }

        var now = clock.GetUtcNow();
        var bundle = await bundles.FindAsync(tenant, request.Ref, now);
        var wave = WaveDecider.Open(new Wave
        {
            WaveId = waveId,
            Target = bundle.Value?.PolicyHash ?? request.Ref,
            Fleets = request.Fleets,
            RolloutWedge = request.RolloutWedge,
            Overrides = request.Overrides,
            Critical = request.Critical,
            OnHalt = request.OnHalt,
            By = caller.By,
            Reason = request.Reason,
            StartedAt = now,
            Why = new Why(WaveReasons.Running, "", now),
            ChangedBy = caller.By,
        });
        var held = await restraints.ReadAsync(tenant);
        var others = await store.ReadOpenWavesAsync(tenant);
        var overlaps = others.Open.SelectMany(other => WaveRules.Overlaps(wave.Fleets, other.Read<Wave>()));
        var tried = await Task.WhenAll(wave.Places().Select(place => TryAsync(tenant, wave, place.Fleet, place.Step, caller)));
        var problems = bundle.Problems.Concat(overlaps).Select(problem => (Fleet: "", Problem: problem))
            .Concat(tried.SelectMany(one => one.Problems.Select(problem => (one.Fleet, Problem: problem))))
            .GroupBy(one => one.Problem, one => one.Fleet)
            .Select(group => Name(group.Key, [.. group], wave))
            .ToImmutableArray();
        return problems.IsEmpty
            ? Outcome<DecidedWave>.Ok(new DecidedWave(wave, others.Made, held.GuardsOf(waiverId: null)))
            : Outcome<DecidedWave>.Fail(problems);
    }

    private async Task<(string Fleet, ImmutableArray<Problem> Problems)> TryAsync(string tenant, Wave wave, string fleet, int step, Caller caller)
    {
        var seen = await grains.Fleet(tenant, fleet).ObserveAsync(new FleetWatch(DateTimeOffset.MaxValue, 0), CensusSource.Known);
        var problems = seen.Problems;
        if (seen.Succeeded)
        {
            problems = (await starts.DecideAsync(tenant, wave.RolloutIdOf(fleet), WaveOrders.StartOf(wave, fleet) with { WaveId = null }, seen.Value, caller)).Problems;
        }

        // What will have passed by the time that a later step begins is no reason to refuse it now.
        return (fleet, [.. problems.Where(problem => step == 0 || !WaveRules.Passes(problem.Code)).Select(problem => Place(problem, wave, fleet))]);
    }

    // The start of a rollout names places in its own request.
    private static Problem Place(Problem problem, Wave wave, string fleet)
    {
        var own = wave.Overrides.IndexOf(wave.Overrides.FirstOrDefault(one => one.Fleet == fleet)!);
        var place = own < 0 ? "$" : $"$.overrides[{own}]";
        if (problem.Code.StartsWith("plan.", StringComparison.Ordinal))
        {
            var hasPlan = own >= 0 && wave.Overrides[own].RolloutWedge is not null;
            return problem with { Path = (hasPlan ? place : "$") + ".rollout_wedge" + problem.Path[1..] };
        }

        return problem.Path switch
        {
            "$.waiver_id" => problem with { Path = place + ".waiver_id" },
            "$.ref" => problem,
            _ => problem with { Path = PathOf(wave, fleet) },
        };
    }

    private static string PathOf(Wave wave, string fleet)
    {
        var step = wave.Places().First(place => place.Fleet == fleet).Step;
        return WaveRules.PathOf(step, wave.Fleets[step].IndexOf(fleet));
    }

    private static Problem Name(Problem problem, ImmutableArray<string> fleets, Wave wave) =>
        fleets.Contains("") || fleets.Length == wave.Places().Count() ? problem : problem with { Message = $"{string.Join(", ", fleets)}: {problem.Message}" };
}

/// <summary>A wave that may begin.</summary>
/// <param name="Wave">The wave.</param>
/// <param name="Others">How many waves the tenant has, over or not, none of which overlaps: with one more, it is decided again.</param>
/// <param name="DecidedOn">What the tenant holds back: who holds it begins a wave alone.</param>
internal sealed record DecidedWave(Wave Wave, int Others, ImmutableArray<ControlGuard> DecidedOn);
