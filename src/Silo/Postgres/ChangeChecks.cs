using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Postgres;

/// <summary>What must hold of a change before it is sent: a breach is a mistake in the program, not an answer.</summary>
internal static class ChangeChecks
{
    private const int AuditEntriesMax = 10_000;
    private const int KeysMax = 10_000;

    public static void Demand(PolicyChange change)
    {
        Demand(
            change.Audit.Length <= AuditEntriesMax && (!change.Audit.IsEmpty || IsClockKeeping(change)),
            $"A change that acts has 1 to {AuditEntriesMax} audit entries.");
        Demand(
            change.Operations.DistinctBy(operation => (operation.KeyId, operation.OperationId)).Count() == change.Operations.Length,
            "A change is asked for by each operation once.");
        Demand(change.Keys.Length <= KeysMax, $"A change makes at most {KeysMax} keys.");
        Demand(change.Keys.All(key => key.Tenant is null || key.Tenant == change.Tenant), "A key belongs to the change's tenant or to the installation.");
        if (change.Rollout is { } rollout)
        {
            Demand(rollout.State.Tenant == change.Tenant, "A rollout belongs to the change's tenant.");
            Demand(rollout.State.Revision == rollout.ExpectedRevision + 1, "A rollout's revision is the expected one plus 1.");
            Demand(
                rollout.InFlightMax is null || HoldsRestraints(change), "Rollouts in flight are counted by who holds the tenant's restraints.");
            Demand(change.Directive is null || change.Directive.Fleet == rollout.State.Fleet, "Rollout and directive are of one fleet.");
        }

        Demand(
            change.Control?.OfKindMax is null || HoldsRestraints(change), "Controls of a kind are counted by who holds the tenant's restraints.");
        Demand(
            change.Superseded is null || change.Rollout?.ExpectedRevision == 0 && change.Superseded.State.IsFinal && change.Superseded.State.Fleet == change.Rollout.State.Fleet,
            "What is superseded is final, and what takes its place begins with the same change.");
        Demand(
            change.Superseded is null || change.Superseded.State.Revision == change.Superseded.ExpectedRevision + 1,
            "What is superseded has the expected revision plus 1.");
        if (change.Directive is { } directive)
        {
            Demand(directive.Directive.Epoch > directive.ExpectedEpoch, "A directive's epoch is higher than the one it replaces.");
        }
    }

    // A rollout that goes on in its stage writes down its verdict and its clocks. Nothing else is true without an entry.
    private static bool IsClockKeeping(PolicyChange change) =>
        change.Rollout is { State.IsFinal: false, ExpectedRevision: > 0 }
        && change == new PolicyChange { Tenant = change.Tenant, Audit = change.Audit, Rollout = change.Rollout };

    private static bool HoldsRestraints(PolicyChange change) =>
        change.DecidedOn.Any(guard => guard is { Kind: ControlKinds.Restraints, Id: ControlKinds.OfTenant });

    private static void Demand(bool holds, string sentence)
    {
        if (!holds)
        {
            throw new ArgumentException(sentence);
        }
    }
}
