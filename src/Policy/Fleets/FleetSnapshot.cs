using System.Collections.Immutable;
using OrleansPolicy.Arming;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Fleets;

/// <summary>A fleet for a reader.</summary>
public sealed record FleetSnapshot
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The fleet.</summary>
    public required string Fleet { get; init; }

    /// <summary>Its settings.</summary>
    public required FleetSettings Settings { get; init; }

    /// <summary>Its directive.</summary>
    public required Directive Directive { get; init; }

    /// <summary>What was said about who of it may serve.</summary>
    public FleetArms Arms { get; init; } = FleetArms.None;

    /// <summary>Where its parity groups stand.</summary>
    public FleetParity Parity { get; init; } = FleetParity.None;

    /// <summary>Rises with every change of settings, directive or a parity group's phase.</summary>
    public required long Revision { get; init; }

    /// <summary>Nodes by state: live, silent, fenced.</summary>
    public ImmutableSortedDictionary<string, int> Nodes { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>
    /// The highest epoch that a node reported or that was read before, where the directive's is lower: the database is older than what was
    /// obeyed, or that node lies. No lease is granted and nothing is started until an admin raises the epoch above it, or the node is removed.
    /// </summary>
    public long? EpochBehind { get; init; }

    /// <summary>Whether this call created it.</summary>
    public bool Created { get; init; }

    /// <summary>Whether a node may serve, as far as arming goes; null: one of which nobody said anything by name.</summary>
    public bool IsArmed(string? node) => Arms.IsArmed(Settings.RequiresArmed, node);

    /// <summary>The same for a registered node: a member of a parity group as its group.</summary>
    public bool IsNodeArmed(NodeRecord node) => Arms.IsNodeArmed(Settings.RequiresArmed, node);

    /// <summary>
    /// What is known after another reading of the same fleet. Directive, settings and arms each have a number of their own and move on
    /// one by one: news of one must not take back another.
    /// </summary>
    public FleetSnapshot With(FleetSnapshot heard)
    {
        var arms = FleetArms.Later(Arms, heard.Arms);
        return heard with
        {
            Settings = heard.Revision >= Revision ? heard.Settings : Settings,
            Parity = heard.Revision >= Revision ? heard.Parity : Parity,
            Revision = Math.Max(Revision, heard.Revision),
            Arms = arms,
            Directive = (heard.Directive.Epoch > Directive.Epoch ? heard.Directive : Directive) with { ArmEpoch = arms.Epoch },
        };
    }

    /// <summary>
    /// Whether a reading that began when this was known proves that the truth is an older one now: its numbers never fall, unless the
    /// database was restored from a backup, or a standby that lagged took over.
    /// </summary>
    public bool IsAheadOf(FleetSnapshot read) => read.Directive.Epoch < Directive.Epoch || read.Revision < Revision;

    /// <summary>
    /// What is known after a reading of the truth; null: nothing else. An older truth is taken as it is, unless more was heard while it was
    /// read. Only what was said about who may serve stays: it is numbered by the time, and nodes keep it likewise.
    /// </summary>
    /// <param name="read">What was read.</param>
    /// <param name="before">What was known when the reading began.</param>
    public FleetSnapshot? AfterReading(FleetSnapshot read, FleetSnapshot before)
    {
        if (!before.IsAheadOf(read))
        {
            return IsNews(read) ? With(read) : null;
        }

        var arms = FleetArms.Later(Arms, read.Arms);
        return (Directive.Epoch, Revision) == (before.Directive.Epoch, before.Revision)
            ? read with { Arms = arms, Directive = read.Directive with { ArmEpoch = arms.Epoch } }
            : null;
    }

    /// <summary>Whether another reading says anything new.</summary>
    public bool IsNews(FleetSnapshot heard) =>
        heard.Directive.Epoch > Directive.Epoch || heard.Arms.Epoch > Arms.Epoch
        || (heard.Directive.Epoch == Directive.Epoch && heard.Revision > Revision);
}
