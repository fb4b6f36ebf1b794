namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>What one fault did to a rollout: a line of a file of results.</summary>
internal sealed record FaultRun
{
    /// <summary>The instant of a stage.</summary>
    public const string InAStage = "stage";

    /// <summary>The instant of a rollback.</summary>
    public const string AtARollback = "rollback";

    /// <summary>When it began.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Of what commit the program is.</summary>
    public required string Commit { get; init; }

    /// <summary>The engine that it was built with.</summary>
    public required string Engine { get; init; }

    /// <summary>Processors of the machine, which all of it shares.</summary>
    public required int Processors { get; init; }

    /// <summary>The name of a <see cref="FaultKind"/>.</summary>
    public required string Kind { get; init; }

    /// <summary><see cref="InAStage"/> or <see cref="AtARollback"/>.</summary>
    public required string Instant { get; init; }

    /// <summary>How many nodes the fleet has.</summary>
    public required int Agents { get; init; }

    /// <summary>Decisions that were asked for, from the start of the rollout until everything was mended.</summary>
    public required long Decisions { get; init; }

    /// <summary>Of these, refused.</summary>
    public required long Refused { get; init; }

    /// <summary>For how long one agent refused without a break.</summary>
    public required double LongestRefusalSeconds { get; init; }

    /// <summary>In a stage: how much later the next stage began than it was due, or than the fault where that was later.</summary>
    public double? NextStageLateSeconds { get; init; }

    /// <summary>At a rollback: from asking for it to the last node's ACK.</summary>
    public double? BackSeconds { get; init; }

    /// <summary>The slowest start of a silo until it was ready, if any was started.</summary>
    public double? SiloStartSeconds { get; init; }

    /// <summary>Stages skipped or entered twice.</summary>
    public required int StagesWrong { get; init; }

    /// <summary>Entries that the audit lacks, and one for a broken chain.</summary>
    public required int AuditLost { get; init; }

    /// <summary>Nodes that neither ACKed the way back nor run the old bundle.</summary>
    public required int NodesNotBack { get; init; }

    /// <summary>What must hold in every run and did not; null: all did.</summary>
    public string? Broken() =>
        StagesWrong > 0 ? $"{StagesWrong} stages were skipped or entered twice."
        : AuditLost > 0 ? $"{AuditLost} entries of the audit are missing."
        : NodesNotBack > 0 ? $"{NodesNotBack} nodes did not go back."
        : BackSeconds > 60 ? $"The way back took {BackSeconds:0.0} s."
        : null;
}
