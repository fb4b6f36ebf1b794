using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Client.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Demands decisions of endpoints and of authorization policies.</summary>
public static class PolicyDecisionEndpoints
{
    /// <summary>
    /// Lets a call of a minimal API through where the policy allows it. Decides after the arguments are bound, so that a rule can look at
    /// them; 403 with the reason where it is denied, 503 where the node must not serve.
    /// </summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="capabilityId">What the call wants to do.</param>
    /// <param name="facts">
    /// What the rules need beside <see cref="PolicyNodeSettings.Context"/>: an object whose members, in snake_case, are added to the context and
    /// replace those of the same name.
    /// </param>
    public static TBuilder RequireDecision<TBuilder>(
        this TBuilder builder, string capabilityId, Func<EndpointFilterInvocationContext, object?>? facts = null)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(capabilityId);
        builder.AddEndpointFilter((call, next) =>
        {
            var decided = call.HttpContext.RequestServices.GetRequiredService<PolicyGate>().Decide(call.HttpContext, capabilityId, facts?.Invoke(call));
            return decided.Answer.Allowed ? next(call) : new ValueTask<object?>(DecisionProblem.Of(decided));
        });
        builder.Add(endpoint =>
        {
            endpoint.Metadata.Add(Problem(StatusCodes.Status403Forbidden));
            endpoint.Metadata.Add(Problem(StatusCodes.Status503ServiceUnavailable));
        });
        return builder;
    }

    /// <summary>
    /// The same by authorization, before anything is bound: for every kind of endpoint. Where authorization does not run before the
    /// endpoint (<c>UseAuthorization</c>; a <c>WebApplication</c> without an own <c>UseRouting</c> calls it by itself), a call is
    /// an <see cref="InvalidOperationException"/>.
    /// </summary>
    public static TBuilder RequirePolicyDecision<TBuilder>(this TBuilder builder, string capabilityId)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(capabilityId);
        builder.Add(endpoint => endpoint.Metadata.Add(new RequirePolicyDecisionAttribute(capabilityId)));
        return builder;
    }

    /// <summary>Makes a decision part of a named authorization policy.</summary>
    public static AuthorizationPolicyBuilder RequirePolicyDecision(this AuthorizationPolicyBuilder builder, string capabilityId)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(capabilityId);
        return builder.AddRequirements(new PolicyDecisionRequirement(capabilityId));
    }

    private static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);
}
