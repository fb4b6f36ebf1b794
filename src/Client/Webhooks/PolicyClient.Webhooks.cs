using System.Collections.Immutable;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    // A receiver may take five seconds.
    private static readonly TimeSpan WebhookTryTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Makes a webhook; the answer has its secret, which is shown only once.</summary>
    public Task<WebhookAnswer> CreateWebhookAsync(NewWebhook webhook, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewWebhook, WebhookAnswer>(HttpMethod.Post, "/webhooks", webhook, idempotencyKey, cancellationToken);

    /// <summary>Webhooks, newest first.</summary>
    public Task<ImmutableArray<WebhookAnswer>> ListWebhooksAsync(CancellationToken cancellationToken = default) =>
        ListAsync<WebhookAnswer>("/webhooks", "webhooks", cancellationToken);

    /// <summary>One webhook.</summary>
    public async Task<WebhookAnswer> GetWebhookAsync(string webhookId, CancellationToken cancellationToken = default) =>
        Read<WebhookAnswer>(await SendAsync(new PolicyRequest(HttpMethod.Get, $"{_tenantPath}/webhooks/{Segment(webhookId)}"), cancellationToken));

    /// <summary>Changes one; it goes on where it is.</summary>
    public Task<WebhookAnswer> ChangeWebhookAsync(string webhookId, NewWebhook webhook, CancellationToken cancellationToken = default) =>
        SendJsonAsync<NewWebhook, WebhookAnswer>(HttpMethod.Put, $"/webhooks/{Segment(webhookId)}", webhook, null, cancellationToken);

    /// <summary>A new secret, shown only once; the old one signs beside it for 24 hours.</summary>
    public Task<WebhookAnswer> ReplaceWebhookSecretAsync(string webhookId, CancellationToken cancellationToken = default) =>
        SendJsonAsync<object, WebhookAnswer>(HttpMethod.Post, $"/webhooks/{Segment(webhookId)}/secret", new { }, null, cancellationToken);

    /// <summary>Removes one.</summary>
    public async Task RemoveWebhookAsync(string webhookId, CancellationToken cancellationToken = default) =>
        await SendAsync(new PolicyRequest(HttpMethod.Delete, $"{_tenantPath}/webhooks/{Segment(webhookId)}"), cancellationToken);

    /// <summary>Posts a <c>webhook.test</c> to one now.</summary>
    public Task<WebhookTryAnswer> TestWebhookAsync(string webhookId, CancellationToken cancellationToken = default) =>
        TryWebhookAsync($"/webhooks/{Segment(webhookId)}/test", cancellationToken);

    /// <summary>What was given up after a place in the audit, in the order in which it happened; at most 100.</summary>
    public Task<ImmutableArray<DeadLetterAnswer>> ListDeadLettersAsync(string webhookId, long after = 0, CancellationToken cancellationToken = default) =>
        ListAsync<DeadLetterAnswer>(FormattableString.Invariant($"/webhooks/{Segment(webhookId)}/dead?after={after}"), "dead_letters", cancellationToken);

    /// <summary>Sends again now what was given up.</summary>
    public Task<WebhookTryAnswer> ReplayDeadLetterAsync(string webhookId, long seq, CancellationToken cancellationToken = default) =>
        TryWebhookAsync(FormattableString.Invariant($"/webhooks/{Segment(webhookId)}/dead/{seq}/replay"), cancellationToken);

    // A repetition would be a second post; whoever asks may ask again.
    private async Task<WebhookTryAnswer> TryWebhookAsync(string path, CancellationToken cancellationToken) => Read<WebhookTryAnswer>(await SendAsync(
        new PolicyRequest(HttpMethod.Post, _tenantPath + path) { Timeout = WebhookTryTimeout, MaxAttempts = 1 }, cancellationToken));
}

/// <summary>A webhook to be made, or what one is to be.</summary>
/// <param name="Url">Where to post: https.</param>
/// <param name="Events">Actions or codes of the audit, <c>*</c> at the end for anything; null: the events of rollouts, ways back, arms and disarms.</param>
/// <param name="Description">What it is for.</param>
public sealed record NewWebhook(string Url, ImmutableArray<string>? Events = null, string? Description = null);

/// <summary>A webhook.</summary>
public sealed record WebhookAnswer
{
    /// <summary>Its id.</summary>
    public required string WebhookId { get; init; }

    /// <summary>Where it posts.</summary>
    public required string Url { get; init; }

    /// <summary>What it asks for; empty: the events.</summary>
    public ImmutableArray<string> Events { get; init; } = [];

    /// <summary>What it is for.</summary>
    public string? Description { get; init; }

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary><c>up_to_date</c>, <c>behind</c> or <c>failing</c>.</summary>
    public required string State { get; init; }

    /// <summary>Up to which entry of the audit it is.</summary>
    public long After { get; init; }

    /// <summary>When the first thing happened that it was not sent yet.</summary>
    public DateTimeOffset? WaitingSince { get; init; }

    /// <summary>Since when nothing gets through.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>When it is tried again.</summary>
    public DateTimeOffset? NextTryAt { get; init; }

    /// <summary>Why the last try failed.</summary>
    public string? Error { get; init; }

    /// <summary>When something was last taken.</summary>
    public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>How much was given up and not sent again.</summary>
    public long DeadLetters { get; init; }

    /// <summary>The secret, in the answer that makes it alone.</summary>
    public string? Secret { get; init; }
}

/// <summary>What became of one try.</summary>
public sealed record WebhookTryAnswer(bool Delivered, string MessageId, string Code, string Sentence, int? Status, double TookMs);

/// <summary>What was given up: its place in the audit, what happened to what, and why it was not taken.</summary>
public sealed record DeadLetterAnswer(long Seq, string Type, string Subject, DateTimeOffset At, DateTimeOffset DeadAt, string Error);
