using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>What the decider made of a command, with all that must become true together.</summary>
/// <param name="Before">The state it was decided on; null for a start.</param>
/// <param name="After">The state after all its events.</param>
/// <param name="Directive">The fleet's new directive; null where it stays.</param>
/// <param name="ExpectedEpoch">The epoch that the new directive replaces.</param>
/// <param name="Audit">What the events say to the audit.</param>
/// <param name="Tags">Tags that move.</param>
/// <param name="Quarantined">Bundles that the fleet is not offered again.</param>
internal sealed record DecidedChange(
    RolloutState? Before,
    RolloutState After,
    Directive? Directive,
    long ExpectedEpoch,
    ImmutableArray<AuditDraft> Audit,
    ImmutableArray<TagRecord> Tags,
    ImmutableArray<QuarantinedBundle> Quarantined)
{
    /// <summary>What was in flight until now and ends in the same change.</summary>
    public DecidedChange? Superseded { get; init; }

    /// <summary>Whether more nodes are given the target by it, or what they have is made what the fleet runs: what restraints can hold.</summary>
    public bool GoesForward { get; init; }

    /// <summary>The controls that let it go forward.</summary>
    public ImmutableArray<ControlGuard> DecidedOn { get; init; } = [];

    /// <summary>How many rollouts of the tenant may be in flight with it; null: any number. It rests on what the tenant holds back.</summary>
    public int? InFlightMax { get; init; }

    /// <summary>Where it goes forward, it rests on the controls that let it: what the tenant holds back, and what else was asked of it.</summary>
    public DecidedChange RestingOn(HeldRestraints held, params ImmutableArray<ControlGuard> others) =>
        GoesForward ? this with { DecidedOn = [.. held.GuardsOf(After.FreezeWaiverId).Union(others)] } : this;

    private RolloutWrite Write => new(After, Before?.Revision ?? 0, RolloutDecider.Deadlines(After)) { InFlightMax = InFlightMax };

    /// <summary>The transaction.</summary>
    /// <param name="operation">The caller's operation.</param>
    /// <param name="fleetRevision">The revision of the fleet's row, where the decision rests on its settings.</param>
    public PolicyChange ToChange(OperationWrite? operation, long? fleetRevision = null) => new()
    {
        Tenant = After.Tenant,
        Audit = Superseded is null ? Audit : [.. Superseded.Audit, .. Audit],
        Operation = operation,
        Tags = Tags,
        DecidedOn = DecidedOn,
        Superseded = Superseded?.Write,
        Rollout = Write,
        // What a fast-track brings is not what it leaves, even where it was on its way there.
        Quarantined = Superseded is null
            ? Quarantined
            : [.. Superseded.Quarantined.UnionBy(Quarantined, bundle => bundle.PolicyHash).Where(bundle => bundle.PolicyHash != After.Target)],
        Directive = Directive is null ? null : new DirectiveWrite(After.Fleet, Directive, ExpectedEpoch, fleetRevision),
    };
}
