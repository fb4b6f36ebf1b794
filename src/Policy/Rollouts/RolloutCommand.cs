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
[JsonDerivedType(typeof(RollBack), "roll_back")]
public abstract record RolloutCommand
{
    private RolloutCommand()
    {
    }

    /// <summary>Begins a staged rollout. The plan was validated, the target is published and not expired.</summary>
    public sealed record Start(
        string Tenant, string RolloutId, string Fleet, string Target, RolloutPlan Plan, bool Critical, string Reason, Actor By,
        double HourSeconds, string Salt, Directive Current, ImmutableArray<CensusUnit> Census) : RolloutCommand;

    /// <summary>Gives a fleet its first bundle.</summary>
    public sealed record SetBaseline(
        string Tenant, string RolloutId, string Fleet, string Target, string Reason, Actor By, double HourSeconds, string Salt,
        Directive Current, int RegisteredNodes) : RolloutCommand;

    /// <summary>Looks at the fleet and decides what follows: advance, complete, hold, pause, roll back.</summary>
    public sealed record Observe(FleetObservation Fleet) : RolloutCommand;

    /// <summary>Stops the clock until <see cref="Resume"/>.</summary>
    public sealed record Pause(Actor By, string Reason) : RolloutCommand;

    /// <summary>Goes on, with a full new window.</summary>
    public sealed record Resume(Actor By, string Reason) : RolloutCommand;

    /// <summary>Lets a manual plan leave its stage.</summary>
    public sealed record Approve(Actor By, string Reason) : RolloutCommand;

    /// <summary>Takes it back.</summary>
    public sealed record RollBack(Actor By, string Reason, Directive Current) : RolloutCommand;
}

/// <summary>What happened to a rollout. An event that changes the fleet's directive carries the whole new one.</summary>
[JsonDerivedType(typeof(Started), "started")]
[JsonDerivedType(typeof(Advanced), "advanced")]
[JsonDerivedType(typeof(Judged), "judged")]
[JsonDerivedType(typeof(Extended), "extended")]
[JsonDerivedType(typeof(Paused), "paused")]
[JsonDerivedType(typeof(Resumed), "resumed")]
[JsonDerivedType(typeof(Approved), "approved")]
[JsonDerivedType(typeof(RolledBack), "rolled_back")]
[JsonDerivedType(typeof(Completed), "completed")]
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
        DateTimeOffset At, Verdict? Verdict, Why Why, bool Healthy, DateTimeOffset? LastHealthyAt, TimeSpan Unobserved) : RolloutEvent(At);

    /// <summary>Its verdict was inconclusive at the end of the window, and it gets one more full window (<c>on_inconclusive: extend</c>).</summary>
    public sealed record Extended(DateTimeOffset At, Why Why, Verdict Verdict) : RolloutEvent(At);

    /// <summary>It stopped (RWG-002).</summary>
    public sealed record Paused(DateTimeOffset At, Actor By, Why Why, Verdict? Verdict) : RolloutEvent(At);

    /// <summary>It goes on.</summary>
    public sealed record Resumed(DateTimeOffset At, Actor By, string Reason, Why Why) : RolloutEvent(At);

    /// <summary>A person let it leave its stage.</summary>
    public sealed record Approved(DateTimeOffset At, Actor By, string Reason) : RolloutEvent(At);

    /// <summary>It was taken back (RWG-003).</summary>
    public sealed record RolledBack(DateTimeOffset At, Actor By, Why Why, Directive Directive, Verdict? Verdict) : RolloutEvent(At)
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
        /// <inheritdoc/>
        [JsonIgnore]
        public override Directive? NewDirective => Directive;
    }
}
