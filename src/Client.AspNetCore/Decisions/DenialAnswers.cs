using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// Answers what the policy denied with its reason. Who is not signed in, where signing in is possible, is asked to do that first;
/// everything else that authorization refuses is answered as it always was.
/// </summary>
internal sealed class DenialAnswers : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler _others = new();

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        // Of who is not signed in, authorization keeps no reasons: the request has the decision.
        var denied = !authorizeResult.Succeeded && context.Features.Get<PolicyDecisionFeature>() is { Answer.Allowed: false } decided ? decided : null;
        if (denied is not null && !(authorizeResult.Challenged && denied.Answer.Served && await CanSignInAsync(context)))
        {
            await DecisionProblem.Of(denied).ExecuteAsync(context);
            return;
        }

        await _others.HandleAsync(next, context, policy, authorizeResult);
    }

    private static async Task<bool> CanSignInAsync(HttpContext http) =>
        http.RequestServices.GetService<IAuthenticationSchemeProvider>() is { } schemes && await schemes.GetDefaultChallengeSchemeAsync() is not null;
}
