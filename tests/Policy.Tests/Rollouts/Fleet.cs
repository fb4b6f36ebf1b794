using System.Collections.Immutable;
using System.Globalization;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Review;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Policy.Tests.Rollouts;

/// <summary>A fleet of nodes that do what they are told, and one rollout on it: the decider is the one in production.</summary>
internal sealed class Fleet
{
    public const string V0 = "0000000000000000000000000000000000000000000000000000000000000000";
    public const string V1 = "1111111111111111111111111111111111111111111111111111111111111111";
    public const string V2 = "2222222222222222222222222222222222222222222222222222222222222222";

    public static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    public static readonly Actor Author = new("ada", "http", "key-ada");
    public static readonly Actor Approver = new("grace", "http", "key-grace");

    public Fleet(int nodes = 100, int domains = 2)
    {
        Nodes = [.. Enumerable.Range(0, nodes).Select(i => new NodeRecord
        {
            Node = $"node-{i.ToString("D6", CultureInfo.InvariantCulture)}",
            Registration = i + 1,
            FailureDomain = "zone-" + (char)('a' + (i % domains)),
            RegisteredAt = Start,
        })];
    }

    public List<NodeRecord> Nodes { get; }

    public DateTimeOffset Now { get; set; } = Start;

    public Directive Directive { get; set; } = new() { Epoch = 1, Target = V1 };

    public RolloutState? State { get; set; }

    public RolloutState Rollout => State ?? throw new InvalidOperationException("Nothing was started.");

    public List<RolloutEvent> Events { get; } = [];

    public double ErrorRate { get; set; } = 0.001;

    public double Decisions { get; set; } = 1_000;

    /// <summary>Decisions of the nodes outside the cohort; null: nobody asked for them.</summary>
    public double? RestDecisions { get; set; }

    public int Unacked { get; set; }

    public int Nacked { get; set; }

    public int NoAck { get; set; }

    public int Fenced { get; set; }

    public int? OnTarget { get; set; }

    public DateTimeOffset? FiringSince { get; set; }

    public long? EpochBehind { get; set; }

    public ArmRow? Disarm { get; set; }

    public Restraints Restraints { get; set; } = Restraints.None;

    public ImmutableArray<Waiver> Waivers { get; set; } = [];

    /// <summary>What else of the tenant is in flight.</summary>
    public ImmutableArray<RolloutState> InFlight { get; set; } = [];

    /// <summary>Nodes that have neither returned nor been fenced.</summary>
    public int Waiting { get; set; }

    /// <summary>Nodes that were fenced without returning.</summary>
    public int FencedOnReturn { get; set; }

    public TimeSpan SampleAge { get; set; } = TimeSpan.Zero;

    public DateTimeOffset? ObservingSince { get; set; }

    public ImmutableArray<CensusUnit> Census =>
        [.. Nodes.Select(node => new CensusUnit(
            node.Unit, node.FailureDomain, node.Registration, ImmutableSortedDictionary<string, int>.Empty.Add(node.FailureDomain, 1)))];

    public int Assigned => Nodes.Count(node => Cohorts.AssignedHash(Directive, node) == V2);

    public static RolloutPlan Plan(params ReadOnlySpan<decimal> targets)
    {
        var stages = ImmutableArray.CreateBuilder<PlanStage>();
        foreach (var target in targets)
        {
            stages.Add(new PlanStage($"stage-{target}", target, 1, ["error_rate < 1%"], "error_rate > 5%"));
        }

        return new RolloutPlan
        {
            Stages = stages.ToImmutable(),
            InitialPercentage = targets[0],
            IncrementPolicy = IncrementPolicy.Linear,
            MaxBlastRadius = 100,
            ObservationWindowHours = 1,
        };
    }

    public Outcome<ImmutableArray<RolloutEvent>> StartRollout(RolloutPlan plan, double hourSeconds = 60) => Do(
        new RolloutCommand.Start("default", "r1", "edge", V2, plan, false, "because", Author, hourSeconds, "00ff", Directive, Census)
        {
            Restraints = Restraints,
            Waivers = Waivers,
            InFlight = InFlight,
        });

    public Outcome<ImmutableArray<RolloutEvent>> Look(bool? withCensus = null)
    {
        var census = withCensus ?? RolloutDecider.WantsCensus(Rollout, Now);
        return Do(new RolloutCommand.Observe(See(census)) { Restraints = Restraints, Waivers = Waivers });
    }

    public FleetObservation See(bool withCensus)
    {
        var assigned = Assigned;
        return new FleetObservation
        {
            At = Now,
            Directive = Directive,
            ObservingSince = ObservingSince,
            Nodes = new NodeCounts(
                assigned, Math.Max(0, assigned - Unacked), Nacked, 0, Fenced, Nodes.Count, OnTarget ?? assigned, NoAck),
            Cohort = Decisions == 0
                ? ImmutableSortedDictionary<string, MetricTotal>.Empty
                : ImmutableSortedDictionary<string, MetricTotal>.Empty
                    .Add("decisions", new MetricTotal(Decisions, Decisions))
                    .Add("error_rate", new MetricTotal(Decisions, Decisions * ErrorRate)),
            Compared = RestDecisions is { } rest ? new ComparedMetrics(Side(Decisions, ErrorRate), Side(rest, 0.001), Now) : null,
            Shadow = Directive.Shadow
                ? new ShadowFindings(Nodes.Count, Nodes.Count - Unacked, Nacked, Decisions, Decisions * ErrorRate)
                {
                    NewestAt = Decisions == 0 ? null : Now - SampleAge,
                    Changes = [new ShadowChange(DecisionChangeKind.AllowToDeny, "old", "new", 7)],
                }
                : null,
            NewestSampleAt = Decisions == 0 ? null : Now - SampleAge,
            FiringSince = FiringSince,
            EpochBehind = EpochBehind,
            Disarm = Disarm,
            Return = State?.Return is { IsOpen: true } back ? Returned(back) : null,
            Census = withCensus ? Census : null,
        };
    }

    private static ImmutableSortedDictionary<string, MetricTotal> Side(double decisions, double errorRate) =>
        ImmutableSortedDictionary<string, MetricTotal>.Empty
            .Add("decisions", new MetricTotal(decisions, decisions, 100, decisions))
            .Add("error_rate", new MetricTotal(decisions, decisions * errorRate, 100, errorRate))
            .Add("latency_ms", new MetricTotal(decisions, 10 * decisions, 100, 100 * decisions));

    private ReturnCounts Returned(WayBack back)
    {
        var nodes = Nodes.Count(node => back.Concerns(node, false));
        return new ReturnCounts(nodes, nodes - Waiting - FencedOnReturn, FencedOnReturn, Now, Now);
    }

    /// <summary>Looks once a second until something else than holding happens, at most for so long.</summary>
    public RolloutEvent? LookFor(TimeSpan atMost)
    {
        for (var end = Now + atMost; Now < end;)
        {
            Now += TimeSpan.FromSeconds(1);
            var e = Look().Value.SingleOrDefault();
            if (e is not null and not RolloutEvent.Judged)
            {
                return e;
            }
        }

        return null;
    }

    public Outcome<ImmutableArray<RolloutEvent>> Do(RolloutCommand command)
    {
        var outcome = RolloutDecider.Decide(State, command, Now);
        foreach (var e in outcome.Succeeded ? outcome.Value : [])
        {
            State = RolloutDecider.Apply(State, e);
            Directive = e.NewDirective ?? Directive;
            Events.Add(e);
        }

        return outcome;
    }
}
