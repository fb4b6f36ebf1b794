using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// Asks the node where authorization demands a decision. The resource is the request; asked in code
/// (<c>IAuthorizationService.AuthorizeAsync</c>) it is a context, or anything that the rules then find under <c>context.resource</c>.
/// </summary>
internal sealed class PolicyDecisionHandler(PolicyGate gate) : AuthorizationHandler<PolicyDecisionRequirement>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, PolicyDecisionRequirement requirement)
    {
        var decided = context.Resource switch
        {
            HttpContext http => gate.Decide(http, requirement.CapabilityId),
            DecisionContext given => gate.Decide(requirement.CapabilityId, given),
            JsonElement given => gate.Decide(requirement.CapabilityId, given),
            var resource => gate.Decide(requirement.CapabilityId, RequestContext.Of(context.User, resource)),
        };
        if (decided.Answer.Allowed)
        {
            context.Succeed(requirement);
        }
        else
        {
            context.Fail(new PolicyDecisionFailureReason(this, decided));
        }

        return Task.CompletedTask;
    }
}
