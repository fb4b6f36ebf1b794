namespace OrleansPolicy.Decisions;

/// <summary>Records that a log does not have.</summary>
/// <param name="Count">How many.</param>
/// <param name="From">When the first of them was decided.</param>
/// <param name="To">When the last of them was.</param>
public sealed record RecordLoss(long Count, DateTimeOffset From, DateTimeOffset To);
