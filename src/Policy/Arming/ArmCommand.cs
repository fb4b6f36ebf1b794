using System.Text.Json.Serialization;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Arming;

/// <summary>What can be asked of a scope.</summary>
[JsonDerivedType(typeof(Disarm), "disarm")]
[JsonDerivedType(typeof(Arm), "arm")]
public abstract record ArmCommand(ArmScope Scope, Actor By, string Reason)
{
    /// <summary>Lets nobody in the scope serve.</summary>
    /// <param name="Scope">Whom.</param>
    /// <param name="By">Who says so.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Emergency">
    /// Whether arming again shall take two people; null: it does at scope tenant and all. A stop of one fleet or node is a step of every
    /// deployment; a stop of everything never is.
    /// </param>
    public sealed record Disarm(ArmScope Scope, Actor By, string Reason, bool? Emergency = null) : ArmCommand(Scope, By, Reason);

    /// <summary>Lets the scope serve, as far as no other scope disarms it.</summary>
    /// <param name="Scope">Whom.</param>
    /// <param name="By">Who says so.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="PendingId">The first person's request, which this one completes.</param>
    /// <param name="NewPendingId">What a request that has to wait for a second person is called.</param>
    public sealed record Arm(ArmScope Scope, Actor By, string Reason, string? PendingId, string NewPendingId) : ArmCommand(Scope, By, Reason);
}
