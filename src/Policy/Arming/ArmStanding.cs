using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Arming;

/// <summary>What a fleet's grain is asked: how far an arm or a disarm has come.</summary>
/// <param name="ArmEpoch">Its number.</param>
/// <param name="At">When it was said: from then on leases that were granted before run out.</param>
/// <param name="Node">The node, or the parity group as <c>group:NAME</c>, where it is about one.</param>
public sealed record ArmWatch(long ArmEpoch, DateTimeOffset At, string? Node);

/// <summary>How far an arm or a disarm has come.</summary>
/// <param name="Confirmed">Nodes that said so in a report, or are certain to have stopped.</param>
/// <param name="Unconfirmed">The others by name, at most <see cref="NamedMax"/>.</param>
/// <param name="UnconfirmedCount">How many they are.</param>
/// <param name="InForceBy">
/// When the last covered node has followed, or at the latest is fenced, if no more is heard; null: nothing bounds it for
/// those who have not confirmed, because leases are off or were when they were last heard.
/// </param>
public sealed record ArmStanding(int Confirmed, ImmutableArray<string> Unconfirmed, int UnconfirmedCount, DateTimeOffset? InForceBy)
{
    /// <summary>The most names.</summary>
    public const int NamedMax = 1_000;
}

/// <summary>A node as far as arming goes.</summary>
/// <param name="Node">Its registration.</param>
/// <param name="Report">Its last report.</param>
/// <param name="SaidAt">Since when it says what it says about its armed state.</param>
/// <param name="HeardAt">When its last request arrived; null: not heard yet.</param>
/// <param name="WatchedSince">Since when it would have been heard.</param>
public sealed record ArmWord(NodeRecord Node, NodeReport? Report, DateTimeOffset? SaidAt, DateTimeOffset? HeardAt, DateTimeOffset WatchedSince);

/// <summary>Adds up who has followed.</summary>
/// <param name="settings">The fleet's settings.</param>
/// <param name="arms">What was said about it.</param>
/// <param name="watch">What is asked.</param>
/// <param name="now">The time.</param>
public sealed class ArmTally(FleetSettings settings, FleetArms arms, ArmWatch watch, DateTimeOffset now)
{
    private readonly List<string> _unconfirmed = [];
    private int _confirmed;
    private DateTimeOffset? _inForceBy = watch.At;

    /// <summary>What was added up.</summary>
    public ArmStanding Standing => new(
        _confirmed, [.. _unconfirmed.Order(StringComparer.Ordinal).Take(ArmStanding.NamedMax)], _unconfirmed.Count, _inForceBy);

    /// <summary>Adds a covered node that has not left.</summary>
    public void Add(ArmWord word)
    {
        ArgumentNullException.ThrowIfNull(word);
        var armed = arms.IsNodeArmed(settings.RequiresArmed, word.Node);
        var fencedAt = Lease.FencedAt(settings, word.HeardAt ?? word.WatchedSince, word.HeardAt ?? word.Node.RegisteredAt, watch.At);
        var hasSaid = word.Report is { } report && report.ArmEpoch >= watch.ArmEpoch && report.Armed == armed;

        // To be fenced is to have stopped, which is what a disarm asks for; whoever is to serve has to say so.
        if (hasSaid || (!armed && fencedAt <= now))
        {
            _confirmed++;
        }
        else
        {
            _unconfirmed.Add(word.Node.Node);
        }

        var by = hasSaid ? word.SaidAt : fencedAt;
        _inForceBy = by is null || _inForceBy is null ? null : by > _inForceBy ? by : _inForceBy;
    }
}
