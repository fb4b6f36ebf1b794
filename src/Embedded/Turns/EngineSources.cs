namespace Orleans.Embedded;

/// <summary>
/// Where the engine takes order and chance from. Registered as a service it replaces the defaults; time comes from the
/// registered <see cref="TimeProvider"/>. With all three seeded the whole engine runs on one thread and repeats itself.
/// </summary>
public sealed record EngineSources(TurnSource Turns, Random Random)
{
    public static EngineSources Default { get; } = new(TurnSource.ThreadPool, Random.Shared);
}
