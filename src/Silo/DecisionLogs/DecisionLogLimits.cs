namespace OrleansPolicy.Silo.DecisionLogs;

/// <summary>How long and how much of decision logs is kept.</summary>
public sealed record DecisionLogLimits
{
    /// <summary>What else a record takes on disk, its indexes included; counted with each.</summary>
    public const int RowBytes = 512;

    private const long Mebibyte = 1024 * 1024;

    /// <summary>Records that were taken longer ago are deleted. Default 7 days.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How much one tenant's records may take; what comes above it is refused. Default 1 GiB.</summary>
    public long TenantBytesMax { get; init; } = 1024 * Mebibyte;

    /// <summary>How much of that one node may take, so that one alone cannot shut out the others. Default 128 MiB.</summary>
    public long NodeBytesMax { get; init; } = 128 * Mebibyte;
}
