using System.Collections.Immutable;
using System.Runtime.InteropServices;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Fleets;

/// <summary>One computation of <see cref="Cohorts.Cut"/>: the census by domain, what each domain holds, and how far it goes on.</summary>
internal sealed class StageCut
{
    private readonly ImmutableSortedDictionary<string, DomainCut> previous;
    private readonly ImmutableArray<CensusUnit> census;
    private readonly decimal percentage;
    private readonly PlanCaps? caps;
    private readonly SortedDictionary<string, DomainUnits> domains = new(StringComparer.Ordinal);

    // Nodes in the cohort by the domain of each node, which is what caps count: a group may reach over several domains.
    private readonly Dictionary<string, int> taken = new(StringComparer.Ordinal);
    private readonly int nodes;
    private readonly long newestRegistration;

    public StageCut(
        ImmutableSortedDictionary<string, DomainCut> previous, ImmutableArray<CensusUnit> census, decimal percentage, PlanCaps? caps, string salt)
    {
        this.previous = previous;
        this.census = census;
        this.percentage = percentage;
        this.caps = caps;
        foreach (var unit in census)
        {
            if (!domains.TryGetValue(unit.FailureDomain, out var domain))
            {
                domain = new DomainUnits(previous.GetValueOrDefault(unit.FailureDomain));
                domains.Add(unit.FailureDomain, domain);
            }

            var size = SizeOf(unit);
            nodes += size;
            newestRegistration = Math.Max(newestRegistration, unit.Registration);
            domain.Add(unit, size, percentage < 100 ? UnitKey.Of(salt, unit.Unit) : default);
        }
    }

    public CohortCut Make() => percentage >= 100 ? TakeAll() : TakeShares();

    private CohortCut TakeAll()
    {
        var cuts = previous.ToBuilder();
        foreach (var (name, domain) in domains)
        {
            cuts[name] = new DomainCut(DomainCut.All, Math.Max(newestRegistration, domain.OldAsOf));
        }

        return new CohortCut(cuts.ToImmutable(), nodes, nodes, []);
    }

    private CohortCut TakeShares()
    {
        foreach (var domain in domains.Values)
        {
            domain.Sort();
            domain.Held.ForEach(Count);
        }

        var warnings = ImmutableArray.CreateBuilder<Problem>();
        AddAboveCap(warnings);
        var quota = Math.Min(CohortShares.NodesOf(percentage, nodes), caps?.MaxNodes ?? int.MaxValue);
        var (shares, excess) = CohortShares.Share(quota, [.. domains.Values.Select(domain => (domain.Nodes, domain.HeldNodes))]);
        var cuts = previous.ToBuilder();
        var inCohort = 0;
        var i = 0;
        foreach (var (name, domain) in domains)
        {
            cuts[name] = Extend(domain, shares[i++]);
            inCohort += domain.HeldNodes;
        }

        if (excess > 0)
        {
            warnings.Add(new Problem(
                CohortCut.ShrunkCode, $"{inCohort} of {nodes} nodes hold the target already; {percentage} % would be {quota}. They keep it."));
        }

        return new CohortCut(cuts.ToImmutable(), inCohort, nodes, warnings.ToImmutable());
    }

    // A cap that was lowered meanwhile, or a group that grew.
    private void AddAboveCap(ImmutableArray<Problem>.Builder warnings)
    {
        foreach (var (domain, count) in taken.Where(domain => domain.Value > caps?.PerDomain).OrderBy(domain => domain.Key, StringComparer.Ordinal))
        {
            warnings.Add(new Problem(
                CohortCut.AboveCapCode, $"{count} nodes of {domain} hold the target already; the cap is {caps?.PerDomain}. They keep it, and no more get it."));
        }
    }

    private DomainCut Extend(DomainUnits domain, int share)
    {
        // Units that joined below the old cut come in with a later as-of. Where they would break a share or a cap, they stay on the
        // fallback and the cut rises over the older units alone: nobody is skipped, and nobody is in by joining.
        var asOf = Math.Max(newestRegistration, domain.OldAsOf);
        if (!TryTakeAll(domain.Joined, domain, share))
        {
            asOf = domain.OldAsOf;
        }

        var cut = domain.OldCut;
        foreach (var unit in domain.Above)
        {
            if (unit.Unit.Registration > asOf)
            {
                continue;
            }

            if (!TryTakeAll([unit], domain, share))
            {
                break;
            }

            cut = unit.Key;
        }

        return new DomainCut(cut == UnitKey.Last ? DomainCut.All : cut?.ToHex(), asOf);
    }

    private bool TryTakeAll(List<KeyedUnit> units, DomainUnits domain, int share)
    {
        if (units.Count == 0)
        {
            return true;
        }

        var size = units.Sum(unit => unit.Size);
        if (domain.HeldNodes + size > share || BreaksCap(units))
        {
            return false;
        }

        units.ForEach(Count);
        domain.HeldNodes += size;
        return true;
    }

    private bool BreaksCap(List<KeyedUnit> units)
    {
        if (caps?.PerDomain is not { } cap)
        {
            return false;
        }

        var added = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (domain, count) in units.SelectMany(unit => unit.Unit.Nodes))
        {
            var sum = added[domain] = added.GetValueOrDefault(domain) + count;
            if (taken.GetValueOrDefault(domain) + sum > cap)
            {
                return true;
            }
        }

        return false;
    }

    private void Count(KeyedUnit unit)
    {
        if (caps?.PerDomain is null)
        {
            return;
        }

        foreach (var (domain, count) in unit.Unit.Nodes)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(taken, domain, out _) += count;
        }
    }

    private static int SizeOf(CensusUnit unit)
    {
        var size = 0;
        foreach (var (_, count) in unit.Nodes)
        {
            size += count;
        }

        return size;
    }

    private readonly record struct KeyedUnit(UnitKey Key, CensusUnit Unit, int Size);

    /// <summary>The units of one failure domain, by what the cut in force makes of them.</summary>
    private sealed class DomainUnits(DomainCut? old)
    {
        public UnitKey? OldCut { get; } = old?.Cut is { } cut ? UnitKey.Parse(cut) : null;

        public long OldAsOf { get; } = old?.AsOf ?? 0;

        /// <summary>Nodes of all units.</summary>
        public int Nodes { get; private set; }

        /// <summary>Nodes in the cohort so far.</summary>
        public int HeldNodes { get; set; }

        /// <summary>In the cohort already.</summary>
        public List<KeyedUnit> Held { get; } = [];

        /// <summary>At or below the cut, but registered after its as-of.</summary>
        public List<KeyedUnit> Joined { get; } = [];

        /// <summary>Above the cut, in the order in which they are taken.</summary>
        public List<KeyedUnit> Above { get; } = [];

        public void Add(CensusUnit unit, int size, UnitKey key)
        {
            Nodes += size;
            var keyed = new KeyedUnit(key, unit, size);
            if (OldCut is not { } cut || key.CompareTo(cut) > 0)
            {
                Above.Add(keyed);
            }
            else if (unit.Registration <= OldAsOf)
            {
                Held.Add(keyed);
                HeldNodes += size;
            }
            else
            {
                Joined.Add(keyed);
            }
        }

        // Two units cannot have one name; should they ever, the name decides, so that the order of the census never does.
        public void Sort() => Above.Sort(static (one, other) =>
        {
            var order = one.Key.CompareTo(other.Key);
            return order != 0 ? order : string.CompareOrdinal(one.Unit.Unit, other.Unit.Unit);
        });
    }
}
