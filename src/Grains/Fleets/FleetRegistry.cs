using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Parity;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>A fleet's nodes in memory: registrations as stored, and what the nodes said since this registry watches.</summary>
internal sealed class FleetRegistry
{
    private readonly Dictionary<string, NodeEntry> _nodes = new(StringComparer.Ordinal);
    private readonly LeavingNodes _leaving = new();
    private readonly string _life;
    private readonly DateTimeOffset _observingSince;
    private long _changes;
    private Directive _directive;
    private MetricWindow _cohort;
    private MetricWindow _rest;
    private ShadowTally? _shadow;
    private ImmutableHashSet<string> _waiting = StageCaps.Nobody;
    private ImmutableArray<CensusUnit>? _census;
    private DateTimeOffset? _firstSampleSinceQuiet;
    private ImmutableSortedDictionary<string, QueriedMetric> _queriedWhileQuiet = ImmutableSortedDictionary<string, QueriedMetric>.Empty;
    private long _highestEpoch;
    private long _highestStored;

    /// <param name="life">Names this life of the registry: another one has heard other words.</param>
    /// <param name="directive">The directive in force.</param>
    /// <param name="now">Since when it watches.</param>
    public FleetRegistry(string life, Directive directive, DateTimeOffset now)
    {
        _life = life;
        _observingSince = now;
        _directive = directive;
        _highestStored = directive.Epoch;
        _cohort = new MetricWindow(now);
        _rest = new MetricWindow(now);
        _shadow = directive.Shadow ? new ShadowTally(now) : null;
    }

    /// <summary>The parity groups.</summary>
    public FleetGroups Groups { get; } = new();

    /// <summary>Names the state of the registrations.</summary>
    public string Stamp => string.Create(CultureInfo.InvariantCulture, $"{_life}:{_changes}");

    /// <summary>How many nodes there are.</summary>
    public int Count => _nodes.Count;

    /// <summary>The highest epoch that a registered node reported, or that was stored, where it is higher than the directive's.</summary>
    public long? EpochBehind => Math.Max(_highestEpoch, _highestStored) is var known && known > _directive.Epoch ? known : null;

    /// <summary>The highest number of an arm or disarm that a node reported.</summary>
    public long HighestArmEpoch { get; private set; }

    /// <summary>All registrations.</summary>
    public ImmutableArray<NodeRecord> Records => [.. _nodes.Values.Select(entry => entry.Record)];

    /// <summary>A node; null where it is not registered.</summary>
    public NodeEntry? Find(string node) => _nodes.GetValueOrDefault(node);

    /// <summary>
    /// A new directive: everybody is assigned anew, and samples begin anew, because those before belong to another stage. Null: nobody waits
    /// for room in its group who did not, and nobody has room who waited.
    /// </summary>
    public RegistryNews? SetDirective(Directive directive, DateTimeOffset now)
    {
        _directive = directive;
        NoteStored(directive.Epoch);
        _cohort = new MetricWindow(now);
        _rest = new MetricWindow(now);
        _shadow = directive.Shadow ? new ShadowTally(now) : null;
        (_firstSampleSinceQuiet, _queriedWhileQuiet) = (null, ImmutableSortedDictionary<string, QueriedMetric>.Empty);
        // Those who leave too: what they ACKed before they left is no word about this directive.
        foreach (var entry in _nodes.Values.Concat(_leaving.All))
        {
            entry.Assign(directive, now);
        }

        return NewsOf(MarkWaiting(now), []);
    }

    /// <summary>Takes registrations over as they are stored. Null: nothing is new.</summary>
    public RegistryNews? Apply(IEnumerable<NodeRecord> records, IEnumerable<string> gone, DateTimeOffset now)
    {
        var changed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (!_nodes.TryGetValue(record.Node, out var entry))
            {
                entry = new NodeEntry(record, now);
                _nodes.Add(record.Node, entry);
                _leaving.Remove(record.Node);
            }
            else if (IsSame(entry.Record, record))
            {
                continue;
            }

            var group = entry.Record.ParityGroup;
            entry.Record = record;
            entry.Assign(_directive, now);
            Groups.Put(entry, group);
            changed.Add(record.Node);
        }

        var left = ImmutableArray.CreateBuilder<string>();
        foreach (var name in gone)
        {
            if (_nodes.Remove(name, out var entry))
            {
                _leaving.Add(entry);
                Groups.Leave(entry);
                left.Add(name);
            }
        }

        if (changed.Count == 0 && left.Count == 0)
        {
            return null;
        }

        _highestEpoch = left.Count == 0 ? _highestEpoch : HighestEpoch();
        changed.UnionWith(MarkWaiting(now));
        return NewsOf(changed, left.ToImmutable());
    }

    /// <summary>The same for the whole registry, as it was read.</summary>
    public RegistryNews? Replace(ImmutableArray<NodeRecord> stored, DateTimeOffset now)
    {
        var names = stored.Select(record => record.Node).ToHashSet(StringComparer.Ordinal);
        return Apply(stored, [.. _nodes.Keys.Where(node => !names.Contains(node))], now);
    }

    /// <summary>Nodes that left before this registry watched, and whose lease may not have ended.</summary>
    public void Remember(ImmutableArray<LeftNode> left)
    {
        foreach (var (record, leftAt) in left)
        {
            if (!_nodes.ContainsKey(record.Node))
            {
                var entry = new NodeEntry(record, leftAt);
                _leaving.Add(entry);
                Groups.Leave(entry);
            }
        }
    }

    /// <summary>Forgets nodes that left and are certain to have stopped, but for those that an open way back counts.</summary>
    public void ForgetLeft(FleetSettings settings, DateTimeOffset now)
    {
        _leaving.Forget(settings, now);
        Groups.ForgetLeft(settings, now);
    }

    /// <summary>Notes that an epoch was durable, whatever is stored now.</summary>
    public void NoteStored(long epoch) => _highestStored = Math.Max(_highestStored, epoch);

    /// <summary>Hears nodes.</summary>
    public void Hear(ImmutableArray<HeardNode> heard, FleetSettings settings)
    {
        var (lowered, liveFor) = (false, Lease.LiveFor(settings));
        foreach (var word in heard)
        {
            if (!_nodes.TryGetValue(word.Node, out var entry))
            {
                continue;
            }

            var before = entry.Report?.Epoch;
            if (!entry.Hear(new HeardWord(word.At, word.Report), liveFor))
            {
                continue;
            }

            _highestEpoch = Math.Max(_highestEpoch, word.Report!.Epoch);
            HighestArmEpoch = Math.Max(HighestArmEpoch, word.Report.ArmEpoch);
            lowered |= before == _highestEpoch && word.Report.Epoch < before;
            if (word.Report.Shadow is { } shadow && shadow.PolicyHash == _directive.Target)
            {
                _shadow?.Add(word.At, shadow);
            }

            // What a node counted under another hash than it should run says nothing about either side.
            if (word.Report.PolicyHash is { } hash && hash == entry.Assigned)
            {
                var isOfCohort = hash == _directive.Target;
                (isOfCohort ? _cohort : _rest).Add(word.At, word.Report.Metrics);
                _firstSampleSinceQuiet ??= isOfCohort ? word.FirstReportAt ?? word.At : null;
            }
        }

        // Only a node that starts anew, or a lie that ended, takes an epoch back.
        _highestEpoch = lowered ? HighestEpoch() : _highestEpoch;
    }

    /// <summary>What the decider may know.</summary>
    public FleetObservation ObserveAt(FleetSettings settings, FleetWatch watch, bool withCensus, DateTimeOffset now)
    {
        var tally = new FleetTally(_directive);
        var returned = watch.Return is { } back ? new ReturnTally(back, _directive) : null;
        foreach (var entry in _nodes.Values)
        {
            tally.Add(entry, settings, now);
            returned?.Add(entry, settings, now);
        }

        if (returned is not null)
        {
            _leaving.CountInto(returned, watch.Return!, settings, now);
        }

        var seen = new FleetObservation
        {
            At = now,
            ObservingSince = _observingSince,
            Directive = _directive,
            EpochBehind = EpochBehind,
            Nodes = tally.Counts,
            Cohort = _cohort.Sum(watch.WindowStart, now),
            LookBacks = [.. watch.LookBacks.Select(back => new LookedBack(back.Over, _cohort.Sum(back.From, now)))],
            Compared = watch.CompareFrom is { } from ? new ComparedMetrics(_cohort.Sum(from, now), _rest.Sum(from, now), _rest.NewestSampleAt) : null,
            Return = returned?.Counts,
            Shadow = _shadow?.FindingsSince(watch.WindowStart, now, tally),
            Queried = watch.Queried,
            NewestSampleAt = _cohort.NewestSampleAt,
            Nacks = tally.Nacks,
            FencedNodes = tally.FencedNodes,
            Census = withCensus ? CensusAt(settings, now) : null,
        };
        return seen with { FiringSince = FiringSince(watch, seen) };
    }

    /// <summary>Nodes by state: live, silent, fenced, left.</summary>
    public ImmutableSortedDictionary<string, int> StatesAt(FleetSettings settings, DateTimeOffset now) => _nodes.Values
        .GroupBy(entry => entry.StateAt(settings, now))
        .ToImmutableSortedDictionary(group => NameOf(group.Key), group => group.Count(), StringComparer.Ordinal);

    /// <summary>Every node, by name.</summary>
    public ImmutableArray<NodeStatus> StatusesAt(FleetSettings settings, DateTimeOffset now) =>
    [
        .. _nodes.Values.OrderBy(entry => entry.Record.Node, StringComparer.Ordinal)
            .Select(entry => entry.StatusAt(settings, now)),
    ];

    /// <summary>Whom a handshake of a node asks.</summary>
    public ImmutableArray<HandshakeMember> HandshakeMembersAt(NodeRecord asker, string? role, FleetSettings settings, DateTimeOffset now) =>
    [
        .. _nodes.Values.Where(entry => HandshakeMembers.Answers(entry.Record, asker, role) && !entry.ServesNothing).OrderBy(entry => entry.Record.Node, StringComparer.Ordinal)
            .Select(entry => entry.HandshakeMemberAt(settings, now)),
    ];

    /// <summary>Who is proven to run a hash.</summary>
    public Convergence ConvergenceAt(string policyHash, FleetSettings settings, DateTimeOffset now)
    {
        var byState = _nodes.Values.ToLookup(entry => entry.StateAt(settings, now));
        var heard = byState[NodeState.Live].Where(entry => entry.Report is not null).ToList();
        var off = NamesOf(heard.Where(entry => entry.Report!.PolicyHash != policyHash));
        var unknown = NamesOf(byState[NodeState.Live].Where(entry => entry.Report is null).Concat(byState[NodeState.Silent]));
        var onHash = heard.Count - off.Length;
        return new Convergence
        {
            PolicyHash = policyHash,
            Total = _nodes.Count - byState[NodeState.Left].Count(),
            OnHash = onHash,
            NotOnHash = off,
            Unknown = unknown,
            Fenced = NamesOf(byState[NodeState.Fenced]),
            Converged = off.IsEmpty && unknown.IsEmpty && onHash > 0,
            At = now,
        };
    }

    /// <summary>How far an arm or a disarm has come with those that it covers.</summary>
    public ArmStanding ArmStandingAt(FleetSnapshot fleet, ArmWatch watch, DateTimeOffset now)
    {
        var tally = new ArmTally(fleet.Settings, fleet.Arms, watch, now);
        foreach (var (name, entry) in _nodes)
        {
            if ((watch.Node is null || watch.Node == name || watch.Node == entry.Record.Unit) && !entry.IsGoneAt(fleet.Settings, now))
            {
                tally.Add(new ArmWord(entry.Record, entry.Report, entry.ArmSaidAt, entry.HeardAt, entry.WatchedSince));
            }
        }

        return tally.Standing;
    }

    /// <summary>Nodes that were not heard within the fleet's time to live.</summary>
    public ImmutableArray<string> LeftAt(FleetSettings settings, DateTimeOffset now) =>
        NamesOf(_nodes.Values.Where(entry => entry.StateAt(settings, now) == NodeState.Left));

    private RegistryNews? NewsOf(IReadOnlyCollection<string> changed, ImmutableArray<string> left)
    {
        if (changed.Count == 0 && left.IsEmpty)
        {
            return null;
        }

        var previous = Stamp;
        _changes++;
        _census = null;
        return new RegistryNews([.. changed.Select(name => _nodes[name].Record)], left, previous, Stamp);
    }

    // Who joins a group of the cohort waits where a cap has no room for it, and no longer than that.
    private List<string> MarkWaiting(DateTimeOffset now)
    {
        var waiting = _directive.Caps is { } caps && !Groups.IsEmpty
            ? caps.WaitingOf(_nodes.Values.Where(entry => entry.IsOfCohort).Select(entry => entry.Record))
            : StageCaps.Nobody;
        var changed = new List<string>();
        foreach (var name in waiting.Union(_waiting))
        {
            if (_nodes.TryGetValue(name, out var entry) && entry.Record.OverCap != waiting.Contains(name))
            {
                entry.Record = entry.Record with { OverCap = !entry.Record.OverCap };
                entry.Assign(_directive, now);
                changed.Add(name);
            }
        }

        _waiting = waiting;
        return changed;
    }

    private long HighestEpoch() => _nodes.Values.Max(entry => entry.Report?.Epoch) ?? 0;

    // Whoever looks and finds the trigger quiet sets the mark; what is heard after it may be what makes it fire. So the moment is told
    // truly, never too late, also where the one who looked has died before anything was decided.
    private DateTimeOffset? FiringSince(FleetWatch watch, FleetObservation seen)
    {
        if (watch is not { Trigger: { } trigger, Terms: { } terms })
        {
            return null;
        }

        if (Judge.Fired(trigger, seen, terms) is null)
        {
            (_firstSampleSinceQuiet, _queriedWhileQuiet) = (null, seen.Queried);
            return null;
        }

        // A query's answer is heard as a report is. Which are new is told without comparing clocks: another silo may have asked.
        var firstAnswer = seen.Queried.Where(queried => queried.Value.HeardAt != _queriedWhileQuiet.GetValueOrDefault(queried.Key)?.HeardAt)
            .Min(queried => queried.Value.HeardAt);
        return firstAnswer < _firstSampleSinceQuiet ? firstAnswer : _firstSampleSinceQuiet ?? firstAnswer;
    }

    private ImmutableArray<CensusUnit> CensusAt(FleetSettings settings, DateTimeOffset now)
    {
        if (LeftAt(settings, now).IsEmpty)
        {
            return _census ??= Census(_nodes.Values);
        }

        return Census(_nodes.Values.Where(entry => entry.StateAt(settings, now) != NodeState.Left));
    }

    // A group counts at its own place, which its first member gave it.
    private static ImmutableArray<CensusUnit> Census(IEnumerable<NodeEntry> entries) =>
    [
        .. entries.GroupBy(entry => entry.Record.Unit, StringComparer.Ordinal).Select(unit =>
        {
            var first = unit.MinBy(entry => entry.Record.Registration)!.Record;
            var nodes = unit.Where(entry => !entry.Record.OverCap).GroupBy(entry => entry.Record.FailureDomain, StringComparer.Ordinal)
                .ToImmutableSortedDictionary(own => own.Key, own => own.Count(), StringComparer.Ordinal);
            var (domain, registration) = first.Group ?? new GroupPlace(first.FailureDomain, first.Registration);
            return new CensusUnit(unit.Key, domain, registration, nodes)
            {
                NewestMember = unit.Max(entry => entry.Record.Registration),
                FirstWaiting = unit.Min(entry => entry.Record.OverCap ? entry.Record.Registration : (long?)null),
            };
        }),
    ];

    private static ImmutableArray<string> NamesOf(IEnumerable<NodeEntry> entries) =>
        [.. entries.Select(entry => entry.Record.Node).Order(StringComparer.Ordinal)];

    private static bool IsSame(NodeRecord one, NodeRecord other) => one.Registration == other.Registration
        && one.FailureDomain == other.FailureDomain && one.ParityGroup == other.ParityGroup && one.Group == other.Group && one.Role == other.Role
        && one.Labels.SequenceEqual(other.Labels);

    private static string NameOf(NodeState state) => state switch
    {
        NodeState.Live => "live",
        NodeState.Silent => "silent",
        NodeState.Fenced => "fenced",
        NodeState.Left => "left",
        _ => throw new ArgumentOutOfRangeException(nameof(state)),
    };
}
