using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Rollouts;

/// <summary>What can be asked of a rollout.</summary>
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(SetBaseline), "set_baseline")]
[JsonDerivedType(typeof(Observe), "observe")]
[JsonDerivedType(typeof(Pause), "pause")]
[JsonDerivedType(typeof(Resume), "resume")]
[JsonDerivedType(typeof(Approve), "approve")]
[JsonDerivedType(typeof(Attest), "attest")]
[JsonDerivedType(typeof(RollBack), "roll_back")]
[JsonDerivedType(typeof(FastTrack), "fast_track")]
[JsonDerivedType(typeof(Supersede), "supersede")]
[JsonDerivedType(typeof(RaiseEpoch), "raise_epoch")]
public abstract record RolloutCommand
{
    private RolloutCommand()
    {
    }

    /// <summary>What makes a new record: of what, where, by whom, against which directive.</summary>
    public abstract record Opening(
        string Tenant, string RolloutId, string Fleet, string Target, string Reason, Actor By, double HourSeconds, Directive Current)
        : RolloutCommand;

    /// <summary>Begins a staged rollout. The plan was validated, the target is published and not expired.</summary>
    public sealed record Start(
        string Tenant, string RolloutId, string Fleet, string Target, RolloutPlan Plan, bool Critical, string Reason, Actor By,
        double HourSeconds, string Salt, Directive Current, ImmutableArray<CensusUnit> Census)
        : Opening(Tenant, RolloutId, Fleet, Target, Reason, By, HourSeconds, Current)
    {
        /// <summary>The waiver that the plan uses; null: none.</summary>
        public string? WaiverId { get; init; }

        /// <summary>The wave that it is part of; null: none.</summary>
        public string? WaveId { get; init; }

        /// <summary>What the tenant holds back.</summary>
        public Restraints Restraints { get; init; } = Restraints.None;

        /// <summary>Waivers that may lift freeze windows.</summary>
        public ImmutableArray<Waiver> Waivers { get; init; } = [];

        /// <summary>What of the tenant is in flight, where that is capped.</summary>
        public ImmutableArray<RolloutState> InFlight { get; init; } = [];
    }

    /// <summary>Gives a fleet its first bundle, or a fleet that is disarmed as a whole another one.</summary>
    public sealed record SetBaseline(
        string Tenant, string RolloutId, string Fleet, string Target, string Reason, Actor By, double HourSeconds, string Salt,
        Directive Current, int RegisteredNodes)
        : Opening(Tenant, RolloutId, Fleet, Target, Reason, By, HourSeconds, Current)
    {
        /// <summary>Whether no node of the fleet may serve: then no stage could show anything, and none is skipped.</summary>
        public bool IsDisarmed { get; init; }
    }

    /// <summary>Looks at the fleet and decides what follows: advance, complete, hold, pause, roll back; or whether a way back is over.</summary>
    /// <param name="Fleet">What was seen.</param>
    /// <param name="DurableAt">When the asker learned that the state it looks from is durable; null: by reading it now.</param>
    public sealed record Observe(FleetObservation Fleet, DateTimeOffset? DurableAt = null) : RolloutCommand
    {
        /// <summary>What the tenant holds back.</summary>
        public Restraints Restraints { get; init; } = Restraints.None;

        /// <summary>Waivers that may lift freeze windows.</summary>
        public ImmutableArray<Waiver> Waivers { get; init; } = [];
    }

    /// <summary>Stops the clock until <see cref="Resume"/>.</summary>
    public sealed record Pause(Actor By, string Reason) : RolloutCommand;

    /// <summary>Goes on, with a full new window.</summary>
    public sealed record Resume(Actor By, string Reason) : RolloutCommand;

    /// <summary>Lets a manual plan leave its stage.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="StageId">The stage that is meant: refused where the rollout is in another one by now. Null: whichever it is in.</param>
    public sealed record Approve(Actor By, string Reason, string? StageId = null) : RolloutCommand;

    /// <summary>Says of a success criterion that no program can evaluate whether it is met in this stage.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Criterion">The criterion, as it stands in the plan.</param>
    /// <param name="Met">Whether it is.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Attest(Actor By, string Criterion, bool Met, string Reason) : RolloutCommand;

    /// <summary>Takes it back.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Current">The directive in force.</param>
    /// <param name="DetectedAt">When the command was accepted; null: now.</param>
    public sealed record RollBack(Actor By, string Reason, Directive Current, DateTimeOffset? DetectedAt = null) : RolloutCommand;

    /// <summary>Brings the whole fleet at once to a bundle that it ran before and that is not in quarantine.</summary>
    public sealed record FastTrack(
        string Tenant, string RolloutId, string Fleet, string Target, string Reason, Actor By, double HourSeconds, Directive Current,
        DateTimeOffset DetectedAt)
        : Opening(Tenant, RolloutId, Fleet, Target, Reason, By, HourSeconds, Current);

    /// <summary>Ends what is in flight, because a fast-track takes the fleet elsewhere in the same change.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="FastTrackId">The fast-track.</param>
    /// <param name="Epoch">The epoch that it writes.</param>
    public sealed record Supersede(Actor By, string Reason, string FastTrackId, long Epoch) : RolloutCommand;

    /// <summary>Goes on under a directive that says the same under a higher epoch.</summary>
    public sealed record RaiseEpoch(Actor By, string Reason, Directive Directive) : RolloutCommand;
}

/// <summary>What happened to a rollout. An event that changes the fleet's directive carries the whole new one.</summary>
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Advanced), "advanced")]
[JsonDerivedType(typeof(Judged), "judged")]
[JsonDerivedType(typeof(Extended), "extended")]
[JsonDerivedType(typeof(Paused), "paused")]
[JsonDerivedType(typeof(Resumed), "resumed")]
[JsonDerivedType(typeof(Approved), "approved")]
[JsonDerivedType(typeof(Attested), "attested")]
[JsonDerivedType(typeof(RolledBack), "rolled_back")]
[JsonDerivedType(typeof(Completed), "completed")]
[JsonDerivedType(typeof(Superseded), "superseded")]
[JsonDerivedType(typeof(Returning), "returning")]
[JsonDerivedType(typeof(Overdue), "overdue")]
[JsonDerivedType(typeof(Over), "over")]
[JsonDerivedType(typeof(EpochRaised), "epoch_raised")]
public abstract record RolloutEvent(DateTimeOffset At)
{
    /// <summary>The new directive, where this event changes it.</summary>
    [JsonIgnore]
    public virtual Directive? NewDirective => null;

    /// <summary>It began: a staged rollout stands in its first stage, a baseline is in force.</summary>
    public sealed record Started(DateTimeOffset At, RolloutState State, Directive Directive) : RolloutEvent(At)
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }

    /// <summary>It entered a stage (RWG-001), or stepped up from the initial percentage (<paramref name="Code"/> null).</summary>
    /// <param name="At">When.</param>
    /// <param name="StageIndex">The stage it is in now.</param>
    /// <param name="Percentage">The percentage in force now.</param>
    /// <param name="Directive">The directive that puts it in force.</param>
    /// <param name="Verdict">The verdict that let it go.</param>
    /// <param name="Code"><c>RWG-001</c> or null.</param>
    /// <param name="Why">Why it stands where it stands now.</param>
    /// <param name="Warnings">What the census had to say, such as <c>census.shrunk</c>.</param>
    public sealed record Advanced(
        DateTimeOffset At, int StageIndex, decimal Percentage, Directive Directive, Verdict Verdict, string? Code, Why Why,
        ImmutableArray<Problem> Warnings) : RolloutEvent(At)
    {
        /// <summary>The baseline of the stage it leaves; null: the one that was kept before stays.</summary>
        public FrozenBaseline? Baseline { get; init; }

        /// <summary>The waiver that lifted the freeze windows; null: none was in the way.</summary>
        public string? FreezeWaiverId { get; init; }

        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }

    /// <summary>
    /// It was looked at and stays where it is. Not audited, but durable whenever the verdict or the reason changes, and from time to time
    /// besides: the clocks and the three-window limit count from it after a restart.
    /// </summary>
    /// <param name="At">When.</param>
    /// <param name="Verdict">The verdict over the trailing window.</param>
    /// <param name="Why">Why it stands where it stands.</param>
    /// <param name="Healthy">Whether everything but time and approval would let it advance.</param>
    /// <param name="LastHealthyAt">The last moment at which that was so.</param>
    /// <param name="Unobserved">Time since the last event in which no samples could arrive: the clocks move on by it.</param>
    public sealed record Judged(
        DateTimeOffset At, Verdict? Verdict, Why Why, bool Healthy, DateTimeOffset? LastHealthyAt, TimeSpan Unobserved) : RolloutEvent(At)
    {
        /// <summary>The baseline to keep; null: the one that was kept before stays.</summary>
        public FrozenBaseline? Baseline { get; init; }

        /// <summary>Whether a full new window begins, because the samples of one that had failed are lost.</summary>
        public bool BeginsWindow { get; init; }
    }

    /// <summary>Its verdict was inconclusive at the end of the window, and it gets one more full window (<c>on_inconclusive: extend</c>).</summary>
    public sealed record Extended(DateTimeOffset At, Why Why, Verdict Verdict) : RolloutEvent(At);

    /// <summary>It stopped (RWG-002).</summary>
    public sealed record Paused(DateTimeOffset At, Actor By, Why Why, Verdict? Verdict) : RolloutEvent(At);

    /// <summary>It goes on.</summary>
    public sealed record Resumed(DateTimeOffset At, Actor By, string Reason, Why Why) : RolloutEvent(At);

    /// <summary>A person let it leave its stage.</summary>
    public sealed record Approved(DateTimeOffset At, Actor By, string Reason) : RolloutEvent(At);

    /// <summary>A person said whether a criterion is met in this stage; what was said of it before counts no more.</summary>
    public sealed record Attested(DateTimeOffset At, Attestation Attestation) : RolloutEvent(At);

    /// <summary>It was taken back (RWG-003).</summary>
    /// <param name="At">When it was decided.</param>
    /// <param name="By">Who decided.</param>
    /// <param name="Why">Why.</param>
    /// <param name="Directive">The directive at rest on the fallback.</param>
    /// <param name="Verdict">The verdict over the window at that moment.</param>
    /// <param name="Return">The way back, which begins here.</param>
    public sealed record RolledBack(DateTimeOffset At, Actor By, Why Why, Directive Directive, Verdict? Verdict, WayBack Return) : RolloutEvent(At)
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }

    /// <summary>It is done (RWG-004). At 100 % the directive goes to rest on the target.</summary>
    /// <param name="At">When.</param>
    /// <param name="Verdict">The verdict that let it go.</param>
    /// <param name="Directive">The directive at rest; null where the plan ends below 100 % and the split stays.</param>
    /// <param name="Why">What it ended with.</param>
    public sealed record Completed(DateTimeOffset At, Verdict Verdict, Directive? Directive, Why Why) : RolloutEvent(At)
    {
        /// <summary>The waiver that lifted the freeze windows; null: none was in the way.</summary>
        public string? FreezeWaiverId { get; init; }

        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }

    /// <summary>A fast-track took the fleet elsewhere: it is ROLLED_BACK (RWG-003) or, if it was, nobody waits for its nodes any more.</summary>
    public sealed record Superseded(DateTimeOffset At, Actor By, string FastTrackId, Why Why, long Epoch) : RolloutEvent(At);

    /// <summary>Its way back is known to be durable. Not audited: the decision was.</summary>
    public sealed record Returning(DateTimeOffset At, DateTimeOffset DurableAt) : RolloutEvent(At);

    /// <summary>Its way back takes longer than it may. It goes on; what is said once is said loudly.</summary>
    public sealed record Overdue(DateTimeOffset At, DateTimeOffset DurableAt, ReturnCounts Nodes, Why Why) : RolloutEvent(At);

    /// <summary>Its directive says the same under a higher epoch, because nodes knew a higher one.</summary>
    public sealed record EpochRaised(DateTimeOffset At, Actor By, string Reason, Directive Directive) : RolloutEvent(At)
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }

    /// <summary>Every node has returned or is fenced. A fast-track is complete by it.</summary>
    public sealed record Over(DateTimeOffset At, DateTimeOffset DurableAt, DateTimeOffset OverAt, ReturnCounts Nodes) : RolloutEvent(At);
}
