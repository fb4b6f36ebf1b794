using System.Collections.Immutable;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Asks for leave to roll out without stages, or in spite of freeze windows.</summary>
    public Task<WaiverAnswer> RequestWaiverAsync(NewWaiver waiver, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewWaiver, WaiverAnswer>(HttpMethod.Post, "/waivers", waiver, idempotencyKey, cancellationToken);

    /// <summary>Waivers, newest first.</summary>
    public Task<ImmutableArray<WaiverAnswer>> ListWaiversAsync(CancellationToken cancellationToken = default) =>
        ListAsync<WaiverAnswer>("/waivers", "waivers", cancellationToken);

    /// <summary>Approves one; two people do who did not ask for it.</summary>
    public Task<WaiverAnswer> ApproveWaiverAsync(string waiverId, string reason, CancellationToken cancellationToken = default) =>
        SendJsonAsync<ReasonBody, WaiverAnswer>(
            HttpMethod.Post, $"/waivers/{Segment(waiverId)}/approve", new ReasonBody(reason), null, cancellationToken);

    /// <summary>Takes one back; what was started under it goes on.</summary>
    public async Task RevokeWaiverAsync(string waiverId, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, $"{_tenantPath}/waivers/{Segment(waiverId)}"), cancellationToken);
}

/// <summary>A waiver to be asked for.</summary>
/// <param name="Fleet">The fleet it is for.</param>
/// <param name="Ref">The one bundle it is for; null: any.</param>
/// <param name="Reason">Why.</param>
/// <param name="ExpiresAt">Until when, at most 90 days from now.</param>
public sealed record NewWaiver(string Fleet, string? Ref, string Reason, DateTimeOffset ExpiresAt)
{
    /// <summary>The rule it lifts.</summary>
    public string Rule { get; init; } = Waiver.MultiStage;
}

/// <summary>A waiver.</summary>
public sealed record WaiverAnswer
{
    /// <summary>Its id.</summary>
    public required string WaiverId { get; init; }

    /// <summary>requested, approved, expired or revoked.</summary>
    public required WaiverState State { get; init; }

    /// <summary>The fleet it is for.</summary>
    public required string Fleet { get; init; }

    /// <summary>The one bundle it is for; null: any.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>What it lifts: <c>multi_stage</c> or <c>backtest</c>.</summary>
    public string Rule { get; init; } = Waiver.MultiStage;

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>Until when.</summary>
    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Who approved it.</summary>
    public ImmutableArray<WaiverApprovalAnswer> Approvals { get; init; } = [];
}

/// <summary>An approval of a waiver.</summary>
public sealed record WaiverApprovalAnswer(string By, string Reason, DateTimeOffset At);
