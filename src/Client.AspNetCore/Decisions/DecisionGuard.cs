using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// Lets an endpoint that demands a decision of authorization answer only where authorization has run. The framework's own guard
/// looks for <c>[Authorize]</c> alone, which would demand that somebody is signed in. It stands at the routing because whatever is
/// called as an endpoint was found there, however its demand was written.
/// </summary>
internal sealed class DecisionGuard : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <summary>
    /// What the authorization middleware leaves with a request whose endpoint it saw, for the framework's guard. Should that ever
    /// leave something else, nothing is answered.
    /// </summary>
    private const string AuthorizationHasRun = "__AuthorizationMiddlewareWithEndpointInvoked";

    // By endpoint: what others keep of an endpoint, they find again.
    private readonly ConditionalWeakTable<Endpoint, Endpoint> _guarded = new();

    /// <summary>The last: an endpoint that another policy puts in the place of one is guarded too.</summary>
    public override int Order => int.MaxValue;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => ContainsDynamicEndpoints(endpoints) || endpoints.Any(Demands);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (var i = 0; i < candidates.Count; i++)
        {
            var candidate = candidates[i];
            if (candidates.IsValidCandidate(i) && Demands(candidate.Endpoint))
            {
                candidates.ReplaceEndpoint(i, _guarded.GetValue(candidate.Endpoint, Guard), candidate.Values);
            }
        }

        return Task.CompletedTask;
    }

    private static bool Demands(Endpoint endpoint) => endpoint.Metadata.GetMetadata<RequirePolicyDecisionAttribute>() is not null;

    private static Endpoint Guard(Endpoint endpoint)
    {
        if (endpoint.RequestDelegate is not { } answer)
        {
            return endpoint;
        }

        return endpoint is RouteEndpoint route
            ? new RouteEndpoint(AnswerAsync, route.RoutePattern, route.Order, route.Metadata, route.DisplayName)
            : new Endpoint(AnswerAsync, endpoint.Metadata, endpoint.DisplayName);

        Task AnswerAsync(HttpContext http) => http.Items.ContainsKey(AuthorizationHasRun)
            ? answer(http)
            : throw new InvalidOperationException(
                $"{endpoint.DisplayName} demands a policy decision, and nobody asked for it: call UseAuthorization, after UseRouting and before UseEndpoints where the application calls these.");
    }
}
