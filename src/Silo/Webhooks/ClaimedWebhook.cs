using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>A webhook that this silo alone sends for, as long as its claim lasts.</summary>
/// <param name="Claim">What the claim is known by.</param>
/// <param name="Tenant">Its tenant.</param>
/// <param name="Webhook">The webhook.</param>
/// <param name="Progress">How far it is.</param>
public sealed record ClaimedWebhook(string Claim, string Tenant, Webhook Webhook, WebhookProgress Progress);

/// <summary>How a webhook stands.</summary>
/// <param name="Tenant">Its tenant.</param>
/// <param name="WebhookId">Its id.</param>
/// <param name="Progress">How far it is.</param>
/// <param name="WaitingSince">When the first entry of the audit happened that it is not past; null: it is past all of them.</param>
/// <param name="DeadLetters">How many entries were given up and not sent again.</param>
public sealed record WebhookStand(string Tenant, string WebhookId, WebhookProgress Progress, DateTimeOffset? WaitingSince, long DeadLetters);

/// <summary>An entry of the audit that was given up.</summary>
/// <param name="Seq">Its place in the audit.</param>
/// <param name="DeadAt">When.</param>
/// <param name="Error">Why its last try failed.</param>
public sealed record DeadLetter(long Seq, DateTimeOffset DeadAt, string Error);
