namespace OrleansPolicy.Grains;

/// <summary>
/// The product's clock: a keyed <see cref="TimeProvider"/>, never the global one. The engine's own loops run on the global one, and
/// a test that stops that would stop them too.
/// </summary>
public static class PolicyClock
{
    /// <summary>The service key.</summary>
    public const string Key = "policy";
}
