using OrleansPolicy.Audit;

namespace OrleansPolicy.Rollouts;

/// <summary>How much of a tenant may be on its way at a time, whatever its plans allow. At least one of the two is said.</summary>
/// <param name="MaxConcurrentRollouts">No rollout starts while so many of the tenant are in flight; null: any number may be.</param>
/// <param name="MaxNodesPerFailureDomain">
/// A stage below 100 % takes at most so many nodes of one failure domain of its fleet, or fewer where its plan says so; null: as the plan says.
/// </param>
/// <param name="Reason">Why, in the words of who set them.</param>
/// <param name="By">Who set them.</param>
/// <param name="At">When.</param>
public sealed record TenantCaps(int? MaxConcurrentRollouts, int? MaxNodesPerFailureDomain, string Reason, Actor By, DateTimeOffset At);
