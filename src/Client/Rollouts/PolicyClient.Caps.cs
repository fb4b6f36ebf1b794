namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>The tenant's caps; all null: it has none.</summary>
    public Task<CapsAnswer> GetCapsAsync(CancellationToken cancellationToken = default) => GetAsync<CapsAnswer>("/caps", cancellationToken);

    /// <summary>Sets the tenant's caps in the place of those before; what is null is not capped, and one is given. Fails with <c>caps.invalid</c>.</summary>
    public Task<CapsAnswer> SetCapsAsync(
        int? maxConcurrentRollouts, int? maxNodesPerFailureDomain, string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<CapsBody, CapsAnswer>(
            HttpMethod.Put, "/caps", new CapsBody(maxConcurrentRollouts, maxNodesPerFailureDomain, reason), null, cancellationToken);

    /// <summary>Takes the tenant's caps away; fails with <c>caps.unknown</c> where it has none.</summary>
    public async Task RemoveCapsAsync(string reason, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, $"{_tenantPath}/caps?reason={Uri.EscapeDataString(reason)}"), cancellationToken);

    private sealed record CapsBody(int? MaxConcurrentRollouts, int? MaxNodesPerFailureDomain, string Reason);
}

/// <summary>A tenant's caps.</summary>
/// <param name="MaxConcurrentRollouts">No rollout starts while so many are in flight; null: any number may be.</param>
/// <param name="MaxNodesPerFailureDomain">A stage below 100 % takes at most so many nodes of one failure domain; null: as the plan says.</param>
/// <param name="Reason">Why; null: there are none.</param>
/// <param name="SetBy">Who set them.</param>
/// <param name="SetAt">When.</param>
public sealed record CapsAnswer(int? MaxConcurrentRollouts, int? MaxNodesPerFailureDomain, string? Reason, string? SetBy, DateTimeOffset? SetAt);
