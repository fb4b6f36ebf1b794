namespace OrleansPolicy.Client;

/// <summary>What happens to records where they cannot be put away as fast as decisions are made. None of the modes is silent.</summary>
public enum DecisionLogLoss
{
    /// <summary>Decisions go on; what finds no room is counted, and the log itself says how many are missing and from when to when.</summary>
    Drop,

    /// <summary>
    /// No decision without its record: a decision waits for room, up to <see cref="DecisionLogOptions.BlockFor"/>, and is then a denial,
    /// <c>decide.log_full</c>.
    /// </summary>
    Block,

    /// <summary>
    /// Every record goes through a bounded folder on disk and leaves it when the control plane has it: an outage or a killed process
    /// costs none that was written. Where the folder is full, as <see cref="Drop"/>.
    /// </summary>
    Spill,
}
