using System.Collections.Immutable;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Parity;

/// <summary>
/// When a parity group goes on. It holds that every serving member serves one hash: until a switch is committed the one it began
/// with, from then on the other. It may be committed once every member is quiet or gone: then nobody serves the old hash, and no member
/// comes to serve it again, because whoever hears of the switch is not allowed to.
/// </summary>
public static class ParityDecider
{
    /// <summary>What the groups do next; null: nothing.</summary>
    /// <param name="parity">Where they stand.</param>
    /// <param name="directive">The directive in force, beside which <paramref name="parity"/> was read.</param>
    /// <param name="groups">All groups of the fleet.</param>
    /// <param name="now">The time.</param>
    public static ParityStep? Decide(FleetParity parity, Directive directive, IEnumerable<GroupMembers> groups, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(parity);
        ArgumentNullException.ThrowIfNull(directive);
        ArgumentNullException.ThrowIfNull(groups);
        Invariant.Holds(parity.ReadAt == directive.Epoch, "INV-PARITY", "Groups are led under the directive beside which they were read.");
        var switches = ImmutableSortedDictionary.CreateBuilder<string, ParitySwitch>(StringComparer.Ordinal);
        var committed = ImmutableArray.CreateBuilder<string>();
        foreach (var group in groups)
        {
            var name = group.First.ParityGroup!;
            var standing = parity.StandingOf(directive, group.First);
            var phase = Next(standing.Phase, group.Words);
            if (phase == ParityPhase.Commit)
            {
                if (standing.Phase != ParityPhase.Commit)
                {
                    committed.Add(name);
                }

                continue;
            }

            var known = parity.Switches.GetValueOrDefault(name);
            switches[name] = known?.Epoch == directive.Epoch && known.Phase == phase
                ? known
                : new ParitySwitch(name, directive.Epoch, phase, standing.From, now);
        }

        var put = switches.Values.Where(next => parity.Switches.GetValueOrDefault(next.Group) != next).ToImmutableArray();
        var ended = parity.Switches.Keys.Where(name => !switches.ContainsKey(name)).ToList();
        if (put.IsEmpty && ended.Count == 0 && committed.Count == 0)
        {
            return null;
        }

        var next = new FleetParity { Base = directive, Switches = switches.ToImmutable(), ReadAt = directive.Epoch };
        return new ParityStep(next, put, committed.ToImmutable(), [.. ended.Where(name => !committed.Contains(name))]);
    }

    private static ParityPhase Next(ParityPhase phase, ImmutableArray<MemberWord> words)
    {
        var areQuiet = words.All(word => word.Gone || word.Quiet);
        return phase switch
        {
            ParityPhase.Prepare when !words.All(word => word.Gone || word.Prepared) => ParityPhase.Prepare,
            ParityPhase.Commit => ParityPhase.Commit,
            _ => areQuiet ? ParityPhase.Commit : ParityPhase.Quiesce,
        };
    }
}
