using Microsoft.AspNetCore.Http;

namespace OrleansPolicy.Client.AspNetCore;

/// <summary>The decision made about a request, of several the first denial, else the last; among <see cref="HttpContext.Features"/>.</summary>
/// <param name="CapabilityId">What was asked for.</param>
/// <param name="Answer">What was decided.</param>
public sealed record PolicyDecisionFeature(string CapabilityId, NodeDecision Answer);
