using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace OrleansPolicy.Cli.Runbook;

/// <summary>One run of the runbook: what was asked for, how far it has come, how it ended. The state file holds it.</summary>
internal sealed record RunbookState
{
    /// <summary>Names the run; every call of it carries an idempotency key made of this and the step.</summary>
    public required string RunId { get; init; }

    public required string Tenant { get; init; }

    public required string Fleet { get; init; }

    public required string ExecutionRole { get; init; }

    public required string BrainRole { get; init; }

    /// <summary>The version to deploy.</summary>
    public required string Version { get; init; }

    /// <summary>Its hash.</summary>
    public required string PolicyHash { get; init; }

    /// <summary>What a handshake compares: the document's hash, else the same.</summary>
    public required string ComparedHash { get; init; }

    /// <summary>What the fleet ran before.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>What a handshake compares of that.</summary>
    public required string PreviousComparedHash { get; init; }

    public required string Reason { get; init; }

    /// <summary>How long rejections must stay 0.</summary>
    public required double WindowSec { get; init; }

    /// <summary>How long a step may wait for the nodes.</summary>
    public required double TimeoutSec { get; init; }

    /// <summary>Whether a verified rollback ends with ARM.</summary>
    public required bool Rearm { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The step that is under way, or comes next.</summary>
    public RunbookStep Step { get; init; } = RunbookStep.Disarm;

    /// <summary>Every step that was begun, in order.</summary>
    public ImmutableArray<RunbookStepRecord> Steps { get; init; } = [];

    /// <summary>The audit's last entry before ARM: what follows it is watched.</summary>
    public long? AuditSeq { get; init; }

    /// <summary>Why it went back; null: it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>How it ended; null: it has not.</summary>
    public RunbookOutcome? Outcome { get; init; }

    /// <summary>The key of a step's call: the same however often the step is begun.</summary>
    public string KeyOf(RunbookStep step) => $"runbook-{RunId}-{Show.Word(step)}";
}

/// <summary>A step that was begun.</summary>
/// <param name="Step">Which.</param>
/// <param name="BeganAt">When, the first time.</param>
/// <param name="EndedAt">When it was done; null: it was interrupted, or is under way.</param>
internal sealed record RunbookStepRecord(RunbookStep Step, DateTimeOffset BeganAt, DateTimeOffset? EndedAt);

/// <summary>The steps in order: those of the procedure, those of its rollback. The checklist before them changes nothing and is no step of a run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunbookStep>))]
internal enum RunbookStep
{
    [JsonStringEnumMemberName("disarm")]
    Disarm,

    [JsonStringEnumMemberName("execution")]
    Execution,

    [JsonStringEnumMemberName("brain")]
    Brain,

    [JsonStringEnumMemberName("arm")]
    Arm,

    [JsonStringEnumMemberName("verify")]
    Verify,

    [JsonStringEnumMemberName("rollback-disarm")]
    BackDisarm,

    [JsonStringEnumMemberName("rollback-redeploy")]
    BackRedeploy,

    [JsonStringEnumMemberName("rollback-arm")]
    BackArm,

    [JsonStringEnumMemberName("end")]
    End,
}

/// <summary>How a run ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunbookOutcome>))]
internal enum RunbookOutcome
{
    /// <summary>Deployed, armed, and no rejection within the window.</summary>
    [JsonStringEnumMemberName("deployed")]
    Deployed,

    /// <summary>Taken back: both sides run what they ran before.</summary>
    [JsonStringEnumMemberName("rolled_back")]
    RolledBack,

    /// <summary>Disarmed, and not proven to run what it ran before: somebody must look.</summary>
    [JsonStringEnumMemberName("stuck")]
    Stuck,
}
