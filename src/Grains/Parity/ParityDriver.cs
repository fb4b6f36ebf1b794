using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Grains.Parity;

/// <summary>
/// Leads a fleet's parity groups through their switches: one write for all that can go on, however many they are. It keeps nothing
/// that matters: another silo's driver, or this one after a crash, goes on from the rows. Runs inside the fleet's grain.
/// </summary>
internal sealed partial class ParityDriver(IRolloutStore store, ParityMeter meter, TimeProvider clock, ILogger logger)
{
    /// <summary>The most names of an audit entry; beyond, the counts tell.</summary>
    public const int NamesMax = 100;

    private (long Epoch, long Revision, string Stamp) _atRest;
    private bool _isRunning;
    private bool _isWanted;

    /// <summary>Whether groups may have something to do. False at rest, and always in a fleet without groups.</summary>
    public bool MayAct(FleetSnapshot? fleet, FleetRegistry? registry) =>
        registry?.Groups.IsEmpty == false && fleet is not null && _atRest != (fleet.Directive.Epoch, fleet.Revision, registry.Stamp);

    /// <summary>Leads them as far as they can go now. One at a time; what is asked meanwhile is done behind it.</summary>
    /// <param name="read">What is known of the fleet; null: nothing.</param>
    /// <param name="take">Takes over what was written and tells everybody.</param>
    /// <param name="refresh">Reads the truth again, because somebody else wrote.</param>
    public async Task DriveAsync(Func<(FleetSnapshot Fleet, FleetRegistry Registry)?> read, Action<FleetSnapshot> take, Func<Task> refresh)
    {
        _isWanted = true;
        if (_isRunning)
        {
            return;
        }

        _isRunning = true;
        try
        {
            while (_isWanted)
            {
                _isWanted = false;
                _isWanted |= await StepAsync(read, take, refresh);
            }
        }
        catch (StoreUnavailableException exception)
        {
            // Whether the step took effect is unknown: the next one is decided on what is read then.
            Log.CannotWrite(logger, exception);
        }
        finally
        {
            _isRunning = false;
        }
    }

    private async Task<bool> StepAsync(Func<(FleetSnapshot Fleet, FleetRegistry Registry)?> read, Action<FleetSnapshot> take, Func<Task> refresh)
    {
        if (read() is not var (fleet, registry) || !MayAct(fleet, registry))
        {
            return false;
        }

        if (fleet.Parity.ReadAt != fleet.Directive.Epoch)
        {
            // The directive was heard alone: how the groups stand under it is read first.
            await refresh();
            return read() is var (known, _) && known.Parity.ReadAt == known.Directive.Epoch;
        }

        var now = clock.GetUtcNow();
        var (groups, areAtRest) = registry.Groups.Read(fleet, now);
        if (ParityDecider.Decide(fleet.Parity, fleet.Directive, groups, now) is not { } step)
        {
            _atRest = areAtRest ? (fleet.Directive.Epoch, fleet.Revision, registry.Stamp) : default;
            return false;
        }

        var committed = await store.CommitAsync(ChangeOf(fleet, step, now));
        if (committed.Status != CommitStatus.Committed)
        {
            await refresh();
            return true;
        }

        meter.Note(fleet.Tenant, fleet.Fleet, fleet.Parity, step, clock.GetUtcNow());
        take(fleet with { Parity = step.Next, Revision = fleet.Revision + 1 });
        return true;
    }

    private static PolicyChange ChangeOf(FleetSnapshot fleet, ParityStep step, DateTimeOffset now)
    {
        var prepare = step.Put.Where(put => put.Phase == ParityPhase.Prepare).Select(put => put.Group).ToList();
        var quiesce = step.Put.Where(put => put.Phase == ParityPhase.Quiesce).Select(put => put.Group).ToList();
        return new PolicyChange
        {
            Tenant = fleet.Tenant,
            Audit =
            [
                new AuditDraft
                {
                    At = now,
                    Actor = Actor.ControlPlane("parity").Subject,
                    Interface = Actor.ControlPlane("parity").Interface,
                    Action = "parity.switched",
                    Subject = $"fleets/{fleet.Fleet}",
                    Detail = ImmutableSortedDictionary<string, string>.Empty
                        .Add("epoch", step.Base.Epoch.ToString(CultureInfo.InvariantCulture))
                        .Add("prepare", Names(prepare)).Add("quiesce", Names(quiesce))
                        .Add("commit", Names(step.Committed)).Add("kept", Names(step.Dropped)),
                },
            ],
            Parity = new ParityWrite(fleet.Fleet, step.Base, step.Put, [.. step.Committed, .. step.Dropped], fleet.Revision),
        };
    }

    private static string Names(IReadOnlyCollection<string> groups) => groups.Count <= NamesMax
        ? string.Join(' ', groups)
        : $"{string.Join(' ', groups.Take(NamesMax))} and {groups.Count - NamesMax} more";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The parity groups of a fleet cannot go on: the store does not take their step.")]
        public static partial void CannotWrite(ILogger logger, Exception exception);
    }
}
