using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Client;
using OrleansPolicy.Client.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Lets rollouts judge a bundle by how requests fare under it.</summary>
public static class PolicyNodeMetrics
{
    /// <summary>
    /// Counts a request that was decided on as failed (<c>error_rate</c>) where it ends with an exception or an answer of 500 and above.
    /// What the node itself refused (<c>decide.*</c>) is no failure of a bundle, nor is what the client gave up. It may stand before what
    /// catches exceptions or after: both are seen.
    /// </summary>
    public static IApplicationBuilder UsePolicyNodeMetrics(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.Use(async (HttpContext http, RequestDelegate next) =>
        {
            var threw = true;
            try
            {
                await next(http);
                threw = false;
            }
            finally
            {
                Count(http, threw);
            }
        });
    }

    private static void Count(HttpContext http, bool threw)
    {
        if ((threw || http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            && http.Features.Get<PolicyDecisionFeature>() is { Answer.Served: true } && !http.RequestAborted.IsCancellationRequested)
        {
            http.RequestServices.GetRequiredService<IPolicyNode>().RecordFailure();
        }
    }
}
