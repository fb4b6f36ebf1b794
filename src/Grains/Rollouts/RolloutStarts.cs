using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Catalog;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What a new rollout would be. Reads the truth, writes nothing.</summary>
internal sealed class RolloutStarts(
    IRolloutStore store,
    StartableBundles bundles,
    RolloutChanges changes,
    TenantRestraints restraints,
    Backtests backtests,
    IMetricQueries queries,
    IOptions<RolloutOptions> options,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    // Enough to find the one that is not final: there is at most one.
    private const int RecentRollouts = 10;

    /// <summary>
    /// Decides a start on what the fleet is now. The fleet's row is answered too: the decision rests on its settings, so its revision
    /// guards the commit.
    /// </summary>
    public async Task<Outcome<(DecidedChange Change, StoredFleet Fleet)>> DecideAsync(
        string tenant, string rolloutId, StartRollout request, FleetObservation seen, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, request.Fleet) is not { } fleet)
        {
            return Fail("fleet.unknown", $"There is no fleet '{request.Fleet}'.", "$.fleet");
        }

        if (seen.EpochBehind is { } known)
        {
            return Outcome<(DecidedChange, StoredFleet)>.Fail([FleetProblems.Behind(known, fleet.Directive.Epoch)]);
        }

        // Halted or taken back meanwhile, a wave starts nothing: it is held as it was found until the start is durable.
        var wave = request.WaveId is { } waveId ? (await store.ListControlsAsync(tenant, ControlKinds.Wave, waveId)).FirstOrDefault() : null;
        if (request.WaveId is not null && (wave is null || !WaveDecider.LetsStart(wave.Read<Wave>(), request.Fleet)))
        {
            return Fail(WaveRules.StateCode, $"Wave {request.WaveId} does not let the rollout of {request.Fleet} start now.", "$.fleet");
        }

        var stored = request.WaiverId is { } waiverId
            ? (await store.ListControlsAsync(tenant, ControlKinds.Waiver, waiverId)).FirstOrDefault()
            : null;
        var waiver = stored?.Read<Waiver>();
        var reading = PlanReader.Read(
            request.RolloutWedge,
            new PlanContext
            {
                Critical = request.Critical,
                Census = seen.Census,
                ForStart = true,
                Waived = request.WaiverId is not null && waiver is null or { Rule: Waiver.MultiStage },
                Queries = queries.Names,
            });
        if (reading.Plan is not { } plan)
        {
            return Outcome<(DecidedChange, StoredFleet)>.Fail(reading.Errors);
        }

        if (await CheckFleetAsync(tenant, fleet, plan) is { } refused)
        {
            return Outcome<(DecidedChange, StoredFleet)>.Fail([refused]);
        }

        var bundle = await bundles.FindAsync(tenant, request.Ref, clock.GetUtcNow());
        if (!bundle.Succeeded)
        {
            return bundle.As<(DecidedChange, StoredFleet)>();
        }

        if (CheckWaiver(waiver, request, bundle.Value.PolicyHash) is { } unwaived)
        {
            return Outcome<(DecidedChange, StoredFleet)>.Fail([unwaived]);
        }

        if ((await store.ListQuarantineAsync(tenant, fleet.Fleet)).Any(held => held.PolicyHash == bundle.Value.PolicyHash))
        {
            return Fail(
                RolloutProblems.Quarantined, $"The fleet is not offered {request.Ref} again until it is released from quarantine.", "$.ref");
        }

        if (waiver?.Rule != Waiver.Backtest
            && await backtests.CheckAsync(tenant, fleet.Fleet, plan, InForce(fleet.Directive), bundle.Value.PolicyHash) is { IsEmpty: false } differs)
        {
            return Outcome<(DecidedChange, StoredFleet)>.Fail(differs);
        }

        var held = await restraints.ReadAsync(tenant);
        var inFlightMax = held.Restraints.Caps?.MaxConcurrentRollouts;
        var decided = changes.Decide(
            null,
            new RolloutCommand.Start(
                tenant, rolloutId, request.Fleet, bundle.Value.PolicyHash, plan, request.Critical, request.Reason, caller.By,
                options.Value.HourSeconds, RolloutChanges.SaltOf(tenant, rolloutId), fleet.Directive, seen.Census ?? [])
            {
                WaiverId = request.WaiverId,
                WaveId = request.WaveId,
                Restraints = held.Restraints,
                Waivers = held.Waivers,
                InFlight = inFlightMax is null ? [] : await store.ListInFlightAsync(new ArmScope(tenant)),
            },
            seen);
        return decided.Succeeded
            ? Outcome<(DecidedChange, StoredFleet)>.Ok((
                decided.Value.RestingOn(held, [.. GuardOf(ControlKinds.Waiver, stored), .. GuardOf(ControlKinds.Wave, wave)]) with { InFlightMax = inFlightMax },
                fleet))
            : decided.As<(DecidedChange, StoredFleet)>();
    }

    // Who takes the waiver back, or halts the wave, comes before the start, which is refused, or after it.
    private static ImmutableArray<ControlGuard> GuardOf(string kind, StoredControl? control) =>
        control is null ? [] : [new ControlGuard(kind, control.Id, control.Revision)];

    private Problem? CheckWaiver(Waiver? waiver, StartRollout request, string policyHash) =>
        request.WaiverId is null ? null
        : waiver is null ? new Problem(WaiverRules.UnknownCode, "There is no such waiver.", "$.waiver_id")
        : WaiverRules.Check(waiver, request.Fleet, policyHash, clock.GetUtcNow());

    // What most of the fleet runs: a split fleet is still on its fallback but for the cohort.
    private static string InForce(Directive directive) => directive.Fallback ?? directive.Target!;

    private async Task<Problem?> CheckFleetAsync(string tenant, StoredFleet fleet, RolloutPlan plan)
    {
        if (fleet.Directive.Target is null || FileDirective.Holds(fleet.Directive))
        {
            return new Problem("rollout.no_fallback", "The fleet has no bundle to go back to: make a baseline first.", "$.fleet");
        }

        var recent = await store.ListRolloutsAsync(tenant, fleet.Fleet, RecentRollouts);
        return recent.FirstOrDefault(rollout => !rollout.IsFinal) is { } running
            ? new Problem("rollout.in_flight", InFlight(running), "$.fleet")
            : FleetSettingsRules.CheckDeadline(fleet.Settings, plan);
    }

    private static string InFlight(RolloutState running) => running.Return is null
        ? $"Rollout {running.RolloutId} of the fleet is {RolloutDecider.NameOf(running.Phase)}."
        : $"The way back of {running.RolloutId} is not over yet.";

    private static Outcome<(DecidedChange, StoredFleet)> Fail(string code, string message, string path) =>
        Outcome<(DecidedChange, StoredFleet)>.Fail(code, message, path);
}
