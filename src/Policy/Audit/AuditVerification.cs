namespace OrleansPolicy.Audit;

/// <summary>What a check of a chain found.</summary>
/// <param name="Valid">Whether every entry follows from the one before.</param>
/// <param name="Entries">How many were found right.</param>
/// <param name="Head">Where the chain ends; keep it elsewhere to detect a cut tail later.</param>
/// <param name="Problem">The first thing that is wrong.</param>
/// <param name="WrongSeq">The number of the entry at which it is wrong.</param>
public sealed record AuditVerification(bool Valid, long Entries, AuditHead Head, Problem? Problem = null, long? WrongSeq = null);
