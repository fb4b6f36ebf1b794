using System.Collections.Immutable;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Grains.Parity;

/// <summary>
/// The parity groups of a registry: who is in which, and since when each is known to be in its phase. A fleet without groups has none of
/// it, and asks nothing.
/// </summary>
internal sealed class FleetGroups
{
    private readonly Dictionary<string, GroupEntry> _groups = new(StringComparer.Ordinal);

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _groups.Count == 0;

    /// <summary>Takes over a registration.</summary>
    /// <param name="entry">The node, as it is registered now.</param>
    /// <param name="before">The group that it was in.</param>
    public void Put(NodeEntry entry, string? before)
    {
        if (before is not null && before != entry.Record.ParityGroup && _groups.TryGetValue(before, out var old))
        {
            old.Members.Remove(entry);
            Forget(before, old);
        }

        if (entry.Record.ParityGroup is { } group)
        {
            if (!_groups.TryGetValue(group, out var members))
            {
                _groups[group] = members = new GroupEntry();
            }

            members.Members.Add(entry);
            members.Leaving.RemoveAll(left => left.Record.Node == entry.Record.Node);
        }
    }

    /// <summary>A member was taken out: it is waited for until it is certain to have stopped.</summary>
    public void Leave(NodeEntry entry)
    {
        if (entry.Record.ParityGroup is { } group && _groups.TryGetValue(group, out var members))
        {
            members.Members.Remove(entry);
            members.Leaving.Add(entry);
            Forget(group, members);
        }
    }

    /// <summary>Forgets members that left and are certain to have stopped: a group that does not switch asks nobody for them.</summary>
    public void ForgetLeft(FleetSettings settings, DateTimeOffset now)
    {
        foreach (var group in _groups.Values)
        {
            group.Leaving.RemoveAll(left => !(left.FencedAt(settings, null) > now));
        }
    }

    /// <summary>All groups, as they stand under a fleet's truth; and whether any of them is on its way.</summary>
    public (List<GroupMembers> Groups, bool AreAtRest) Read(FleetSnapshot fleet, DateTimeOffset now)
    {
        var groups = new List<GroupMembers>(_groups.Count);
        var areAtRest = true;
        foreach (var (_, group) in _groups)
        {
            var first = group.Members.First().Record;
            var standing = fleet.Parity.StandingOf(fleet.Directive, first);
            areAtRest &= standing.Phase == ParityPhase.Commit;
            groups.Add(standing.Phase == ParityPhase.Commit
                ? new GroupMembers(first, [])
                : new GroupMembers(first, group.WordsUnder(fleet, standing, now)));
        }

        return (groups, areAtRest);
    }

    /// <summary>Why nobody may answer in a member's name now, as far as its group goes; null: somebody may.</summary>
    public string? RefusalOf(NodeEntry member, FleetSnapshot fleet, DateTimeOffset now)
    {
        if (member.Record.ParityGroup is not { } name || !_groups.TryGetValue(name, out var group))
        {
            return null;
        }

        if (member.Record.OverCap)
        {
            return GroupCodes.Disagrees;
        }

        if (fleet.Parity.StandingOf(fleet.Directive, member.Record).ServedUnder(fleet.Directive) is not { } served)
        {
            return GroupCodes.Switching;
        }

        // Who has nothing in force, or is certain to have stopped, serves nothing else.
        return group.Members.All(one => one.Report?.PolicyHash is null || one.Report.PolicyHash == served || one.StateAt(fleet.Settings, now) >= NodeState.Fenced)
            ? null
            : GroupCodes.Disagrees;
    }

    private void Forget(string name, GroupEntry group)
    {
        if (group.Members.Count == 0)
        {
            _groups.Remove(name);
        }
    }

    private sealed class GroupEntry
    {
        private (long Epoch, bool ServesNothing) _standing;
        private DateTimeOffset _since;

        public HashSet<NodeEntry> Members { get; } = [];

        public List<NodeEntry> Leaving { get; } = [];

        public ImmutableArray<MemberWord> WordsUnder(FleetSnapshot fleet, GroupStanding standing, DateTimeOffset now)
        {
            // Since when it is durable that no member may serve: whoever has not been heard since has no lease that says otherwise. Counted
            // from when this registry saw it, which is after it was durable.
            var seen = (fleet.Directive.Epoch, standing.ServedUnder(fleet.Directive) is null);
            if (seen != _standing)
            {
                (_standing, _since) = (seen, now);
            }

            DateTimeOffset? forbiddenAt = seen.Item2 ? _since : null;
            Leaving.RemoveAll(left => IsGone(left));
            return [.. Members.Select(Word), .. Leaving.Select(Word)];

            MemberWord Word(NodeEntry member) => member.Report?.Group is { } word && word.Epoch == fleet.Directive.Epoch
                ? new MemberWord(word.Prepared, word.Quiet, IsGone(member))
                : new MemberWord(Prepared: false, Quiet: false, IsGone(member));

            bool IsGone(NodeEntry member) => member.FencedAt(fleet.Settings, forbiddenAt) is { } fencedAt ? fencedAt <= now : member.IsTakenOut;
        }
    }
}
