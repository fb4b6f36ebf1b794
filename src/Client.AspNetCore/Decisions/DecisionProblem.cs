using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>
/// A denial as problem details (RFC 9457): 403 with the decision's reason, or 503 where the node must not serve. Which rule it was
/// stays in the log: who asks has no need to know.
/// </summary>
internal static class DecisionProblem
{
    /// <summary>The code of a denial.</summary>
    public const string DeniedCode = "decision.denied";

    /// <summary>The code of a denial that a person's confirmation would turn into an allowance.</summary>
    public const string ConfirmationCode = "decision.needs_confirmation";

    // A node that lost its lease hears within seconds of the control plane's return.
    private const string RetryAfterSec = "2";

    public static IResult Of(PolicyDecisionFeature denied)
    {
        var decision = denied.Answer.Decision;
        var status = denied.Answer.Served ? StatusCodes.Status403Forbidden : StatusCodes.Status503ServiceUnavailable;
        var code = !denied.Answer.Served ? decision.Reason : decision.RequireConfirmation ? ConfirmationCode : DeniedCode;
        var problem = TypedResults.Problem(
            detail: decision.Reason,
            statusCode: status,
            type: "urn:orleans-policy:problem:" + code,
            extensions: new Dictionary<string, object?>
            {
                ["code"] = code,
                ["capability_id"] = denied.CapabilityId,
                ["allowed"] = false,
                ["require_confirmation"] = decision.RequireConfirmation,
                ["suggested_alternative"] = decision.SuggestedAlternative,
                ["policy_version"] = denied.Answer.PolicyVersion,
            });
        return denied.Answer.Served ? problem : new Retried(problem);
    }

    private sealed class Retried(ProblemHttpResult problem) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.RetryAfter = RetryAfterSec;
            return problem.ExecuteAsync(httpContext);
        }
    }
}
