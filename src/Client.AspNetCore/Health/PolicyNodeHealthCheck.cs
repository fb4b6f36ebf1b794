using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// Unhealthy where the node denies everything (<c>decide.*</c>); degraded where it serves but cannot hear the control plane or cannot put in
/// force what that demands; else healthy.
/// </summary>
internal sealed class PolicyNodeHealthCheck(HostedPolicyNode node) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var status = node.Status;
        var trouble = node.Trouble;
        var data = new Dictionary<string, object>
        {
            ["policy_version"] = status.Version ?? "",
            ["policy_hash"] = status.PolicyHash ?? "",
            ["epoch"] = status.Epoch,

            // For whoever wants to know: a policy that nobody had to change for a day is no reason to worry.
            ["bundle_stale"] = status.BundleStale,
            ["lease_left_sec"] = status.LeaseLeft is { } left ? Math.Round(left.TotalSeconds, 1) : "off",
            ["decisions"] = status.Decisions,
            ["refused"] = status.Refused,
        };
        if (trouble is not null)
        {
            data["trouble"] = trouble.Code;
            data["trouble_since"] = trouble.At;
        }

        return Task.FromResult((status.Refusal, trouble) switch
        {
            ({ } refusal, _) => new HealthCheckResult(context.Registration.FailureStatus, $"Every request is denied: {refusal}. {trouble?.Text}".TrimEnd(), null, data),
            (null, not null) => HealthCheckResult.Degraded($"Serving {status.Version}, but: {trouble.Text}", null, data),
            (null, null) when status.Offline => HealthCheckResult.Degraded($"Serving {status.Version} as kept from before a restart: nothing was heard since.", null, data),
            (null, null) => HealthCheckResult.Healthy($"Serving {status.Version}.", data),
        });
    }
}
