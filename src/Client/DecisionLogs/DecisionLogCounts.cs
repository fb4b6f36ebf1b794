namespace OrleansPolicy.Client;

/// <summary>How a node's decision log fares, since the start.</summary>
/// <param name="Recorded">Decisions whose record was taken.</param>
/// <param name="Delivered">Records that the control plane or a file has, among them those of an earlier process.</param>
/// <param name="Lost">Decisions without a record. With <see cref="DecisionLogLoss.Block"/> each of them was a denial.</param>
/// <param name="WaitingBytes">Bytes in memory and on disk that are not delivered yet.</param>
/// <param name="Trouble">Why nothing can be delivered now; null: nothing is known to be in the way.</param>
public sealed record DecisionLogCounts(long Recorded, long Delivered, long Lost, long WaitingBytes, string? Trouble);
