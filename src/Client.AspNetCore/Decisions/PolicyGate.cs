using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>Asks the node about a request, for authorization and endpoint filters alike, and leaves the answer with the request.</summary>
internal sealed partial class PolicyGate(IPolicyNode node, IOptions<PolicyNodeSettings> settings, ILogger<PolicyGate> logger)
{
    public PolicyDecisionFeature Decide(HttpContext http, string capabilityId, object? facts = null)
    {
        var decided = Decide(capabilityId, RequestContext.Merge(settings.Value.Context(http), facts));

        // Of several decisions about a request the denial is the one that counts.
        if (http.Features.Get<PolicyDecisionFeature>() is not { Answer.Allowed: false })
        {
            http.Features.Set(decided);
        }

        return decided;
    }

    public PolicyDecisionFeature Decide(string capabilityId, DecisionContext context)
    {
        var answer = node.Decide(capabilityId, context);
        if (!answer.Allowed)
        {
            LogDenied(capabilityId, answer.Decision.Reason, answer.Decision.RuleId, answer.PolicyVersion);
        }

        return new PolicyDecisionFeature(capabilityId, answer);
    }

    [LoggerMessage(1, LogLevel.Information, "{Capability} is denied: {Reason} (rule {Rule}, policy {Version})")]
    private partial void LogDenied(string capability, string reason, string? rule, string? version);
}
