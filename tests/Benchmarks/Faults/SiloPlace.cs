using System.Net;

namespace OrleansPolicy.Benchmarks.Faults;

/// <summary>Where a silo listens.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Namespace">The network namespace in which it runs; null: this machine's own.</param>
internal sealed record SiloPlace(IPAddress Address, string? Namespace = null)
{
    /// <summary>On this machine, reached by nobody else.</summary>
    public static SiloPlace Here { get; } = new(IPAddress.Loopback);
}
