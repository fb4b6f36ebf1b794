using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>From a command to everything that must become true together: asks the decider, folds its events, writes them down for the audit.</summary>
internal sealed class RolloutChanges([FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    private const int SaltBytes = 16;

    /// <summary>
    /// Decides. Fails as the decider does. The value's <see cref="DecidedChange.After"/> is the state itself, with no change to
    /// commit, where nothing follows from the command.
    /// </summary>
    public Outcome<DecidedChange> Decide(RolloutState? state, RolloutCommand command, FleetObservation? seen)
    {
        var decided = RolloutDecider.Decide(state, command, clock.GetUtcNow());
        if (!decided.Succeeded)
        {
            return decided.As<DecidedChange>();
        }

        var after = state;
        Directive? directive = null;
        var audit = ImmutableArray.CreateBuilder<AuditDraft>();
        var tags = ImmutableArray<TagRecord>.Empty;
        var quarantined = ImmutableArray<QuarantinedBundle>.Empty;
        foreach (var e in decided.Value)
        {
            var before = after;
            after = RolloutDecider.Apply(before, e);
            directive = e.NewDirective ?? directive;
            audit.AddRange(RolloutAudit.Describe(before, after, e, seen));
            tags = after.Phase == RolloutPhase.Complete && before?.Phase != RolloutPhase.Complete && after.Percentage >= 100 ? TagsOf(after, e.At) : tags;
            quarantined = RolloutQuarantine.Describe(before, after, e, CurrentOf(command, seen));
        }

        if (after is null)
        {
            throw new InvalidOperationException("A command that starts nothing needs a rollout.");
        }

        return Outcome<DecidedChange>.Ok(new(state, after, directive, CurrentOf(command, seen)?.Epoch ?? 0, audit.ToImmutable(), tags, quarantined)
        {
            GoesForward = decided.Value.Any(e => e is RolloutEvent.Started { State.Kind: RolloutKind.Rollout } or RolloutEvent.Advanced or RolloutEvent.Completed),
        });
    }

    /// <summary>Whether the next look may enter a stage and needs to know who is there.</summary>
    public bool WantsCensus(RolloutState state) => RolloutDecider.WantsCensus(state, clock.GetUtcNow());

    /// <summary>What to ask the fleet for.</summary>
    public FleetWatch Watch(RolloutState state, DateTimeOffset? durableAt) => RolloutDecider.Watch(state, durableAt, clock.GetUtcNow());

    /// <summary>The salt of a rollout: another for each, and the same whoever computes it.</summary>
    public static string SaltOf(string tenant, string rolloutId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{tenant}/{rolloutId}")).AsSpan(0, SaltBytes));

    // What every node runs is golden, what it ran before is previous. A first baseline has no before.
    private static ImmutableArray<TagRecord> TagsOf(RolloutState state, DateTimeOffset at)
    {
        var reason = $"{state.Kind} {state.RolloutId} is complete";
        var golden = new TagRecord("golden", state.Fleet, state.Target, reason, state.Author.Subject, at);


        // A fast-track does not make what it leaves the one to go back to.
        return state.Fallback is { } previous && state.Kind is RolloutKind.Rollout or RolloutKind.Baseline
            ? [golden, new TagRecord("previous", state.Fleet, previous, reason, state.Author.Subject, at)]
            : [golden];
    }

    private static Directive? CurrentOf(RolloutCommand command, FleetObservation? seen) => command switch
    {
        RolloutCommand.Start start => start.Current,
        RolloutCommand.SetBaseline baseline => baseline.Current,
        RolloutCommand.RollBack rollBack => rollBack.Current,
        RolloutCommand.FastTrack fastTrack => fastTrack.Current,
        RolloutCommand.Observe observe => observe.Fleet.Directive,
        RolloutCommand.Pause or RolloutCommand.Resume or RolloutCommand.Approve or RolloutCommand.Attest or RolloutCommand.Supersede
            or RolloutCommand.RaiseEpoch => seen?.Directive,
        _ => throw new ArgumentOutOfRangeException(nameof(command)),
    };
}
