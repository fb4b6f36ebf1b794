using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansPolicy.Audit;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Waves;

/// <summary>
/// One bundle brought to several fleets as one rollout. Each fleet has an ordinary rollout of its own; the wave says when that may begin,
/// and holds all of them when one fails. Changed by <see cref="WaveDecider"/> alone.
/// </summary>
public sealed record Wave
{
    /// <summary>The most fleets of one wave.</summary>
    public const int FleetsMax = 50;

    /// <summary>The <see cref="Actor.Interface"/> of what waves do to rollouts.</summary>
    public const string Interface = "wave";

    /// <summary>Its id, unique in the tenant.</summary>
    public required string WaveId { get; init; }

    /// <summary>The policy hash it brings: what a tag says later changes nothing.</summary>
    public required string Target { get; init; }

    /// <summary>The fleets, by step: the steps follow each other, the fleets of one go side by side.</summary>
    public required ImmutableArray<ImmutableArray<string>> Fleets { get; init; }

    /// <summary>The plan of every fleet's rollout, as it was given.</summary>
    public required JsonElement RolloutWedge { get; init; }

    /// <summary>What is otherwise for single fleets.</summary>
    public ImmutableArray<WaveOverride> Overrides { get; init; } = [];

    /// <summary>Whether the plans are held to the bounds of critical subsystems.</summary>
    public bool Critical { get; init; }

    /// <summary>What follows where a fleet shows that something is wrong.</summary>
    public WaveOnHalt OnHalt { get; init; }

    /// <summary>Who started it: the author of its rollouts too.</summary>
    public required Actor By { get; init; }

    /// <summary>Why, in the author's words.</summary>
    public required string Reason { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Where it stands.</summary>
    public WavePhase State { get; init; }

    /// <summary>The step it is in, from 0; where it is over, the last that began.</summary>
    public int Step { get; init; }

    /// <summary>Why it stands where it stands.</summary>
    public required Why Why { get; init; }

    /// <summary>Who made it so; the control plane where nobody did.</summary>
    public required Actor ChangedBy { get; init; }

    /// <summary>When it was last resumed: what was paused until then goes on, what pauses later halts it again. Null: never.</summary>
    public DateTimeOffset? ResumedAt { get; init; }

    /// <summary>When nothing more was left to do. A wave that was taken back ends once every fleet's own way back has begun.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Fleets that could not be taken back, each with the reason.</summary>
    public ImmutableArray<WaveNotReturned> NotReturned { get; init; } = [];

    /// <summary>Whether nothing more happens to it by itself.</summary>
    [JsonIgnore]
    public bool IsOver => EndedAt is not null;

    /// <summary>Every fleet with its step, in order.</summary>
    public IEnumerable<(string Fleet, int Step)> Places() => Fleets.SelectMany((fleets, step) => fleets.Select(fleet => (fleet, step)));

    /// <summary>The id of a fleet's rollout: always the same, so that starting it twice starts it once.</summary>
    public string RolloutIdOf(string fleet) => $"{WaveId}-{Places().TakeWhile(place => place.Fleet != fleet).Count() + 1}";

    /// <summary>The id of the fast-track that takes back a fleet whose rollout was complete.</summary>
    public string BackIdOf(string fleet) => RolloutIdOf(fleet) + "-back";

    /// <summary>The plan of a fleet.</summary>
    public JsonElement PlanOf(string fleet) => OverrideOf(fleet)?.RolloutWedge ?? RolloutWedge;

    /// <summary>The waiver that a fleet's rollout uses; null: none.</summary>
    public string? WaiverOf(string fleet) => OverrideOf(fleet)?.WaiverId;

    private WaveOverride? OverrideOf(string fleet) => Overrides.FirstOrDefault(one => one.Fleet == fleet);
}

/// <summary>What is otherwise for one fleet of a wave.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="RolloutWedge">Its plan; null: the wave's.</param>
/// <param name="WaiverId">A waiver of the multi-stage rule, or of the backtest; null: none.</param>
public sealed record WaveOverride(string Fleet, JsonElement? RolloutWedge = null, string? WaiverId = null);

/// <summary>A fleet that was not taken back with its wave.</summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Code">The code of the refusal, such as <c>rollout.moved_on</c>.</param>
/// <param name="Message">The same for a person.</param>
public sealed record WaveNotReturned(string Fleet, string Code, string Message);

/// <summary>What a wave does where a fleet's rollout went back, or paused by itself.</summary>
public enum WaveOnHalt
{
    /// <summary>Stands still with all its rollouts until somebody decides.</summary>
    Pause,

    /// <summary>Takes every fleet of the wave back.</summary>
    Rollback,
}

/// <summary>The states of a wave.</summary>
public enum WavePhase
{
    /// <summary>It goes on by itself.</summary>
    [JsonStringEnumMemberName("ACTIVE")]
    Active,

    /// <summary>Nothing further starts, and none of its rollouts goes on, until it is resumed.</summary>
    [JsonStringEnumMemberName("HALTED")]
    Halted,

    /// <summary>Every fleet's rollout is complete.</summary>
    [JsonStringEnumMemberName("COMPLETE")]
    Complete,

    /// <summary>Taken back from every fleet.</summary>
    [JsonStringEnumMemberName("ROLLED_BACK")]
    RolledBack,

    /// <summary>Given up by a person: it starts nothing more, and its rollouts are on their own.</summary>
    [JsonStringEnumMemberName("ENDED")]
    Ended,
}
