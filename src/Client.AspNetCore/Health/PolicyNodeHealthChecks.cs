using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansPolicy.Client.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The health of an application's policy node.</summary>
public static class PolicyNodeHealthChecks
{
    /// <summary>
    /// Adds a check of the node: healthy while it serves, degraded while it serves without hearing the control plane, unhealthy while it
    /// denies everything.
    /// </summary>
    public static IHealthChecksBuilder AddPolicyNode(
        this IHealthChecksBuilder builder, string name = "policy_node", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name, services => new PolicyNodeHealthCheck(services.GetRequiredService<HostedPolicyNode>()), failureStatus, tags));
    }
}
