namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Marks an endpoint that calls no grain and reads no row for an answer: a key may call it as often as it likes, within an allowance
/// of its own that keeps it from the others.
/// </summary>
public sealed record AnsweredFromMemory;
