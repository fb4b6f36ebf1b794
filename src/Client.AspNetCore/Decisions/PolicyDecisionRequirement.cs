using Microsoft.AspNetCore.Authorization;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>Demands that the policy allows a capability.</summary>
/// <param name="CapabilityId">The capability.</param>
public sealed record PolicyDecisionRequirement(string CapabilityId) : IAuthorizationRequirement;

/// <summary>
/// Demands of a controller, an action, a hub (the class: SignalR does not ask for it at its methods) or an endpoint that the policy allows a
/// capability. Nobody need be signed in for it: that is for the policy's rules (<c>context.subject.authenticated</c>), or for
/// <c>[Authorize]</c> beside it.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class RequirePolicyDecisionAttribute(string capabilityId) : Attribute, IAuthorizationRequirementData
{
    /// <summary>The capability.</summary>
    public string CapabilityId => capabilityId;

    /// <inheritdoc/>
    public IEnumerable<IAuthorizationRequirement> GetRequirements() => [new PolicyDecisionRequirement(capabilityId)];
}

/// <summary>Why authorization failed: the node's decision.</summary>
public sealed class PolicyDecisionFailureReason : AuthorizationFailureReason
{
    internal PolicyDecisionFailureReason(IAuthorizationHandler handler, PolicyDecisionFeature denied)
        : base(handler, denied.Answer.Decision.Reason)
    {
        Denied = denied;
    }

    /// <summary>What was asked for, and what was decided.</summary>
    public PolicyDecisionFeature Denied { get; }
}
