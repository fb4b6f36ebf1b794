namespace OrleansPolicy.Silo.Http;

/// <summary>
/// Marks an endpoint whose every way out looks whether its operation was done before: a success by the commit itself, a refusal by
/// asking. So that need not be asked first, which is a round trip to the database less.
/// </summary>
public sealed record FindsRepeats;
