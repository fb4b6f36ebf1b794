using System.Collections.Immutable;
using OrleansPolicy.Audit;

namespace OrleansPolicy.Webhooks;

/// <summary>
/// A receiver of a tenant's events. What it is sent is read from the audit, which so is the outbox: nothing that happened is missing, and
/// nothing is sent that did not happen.
/// </summary>
public sealed record Webhook
{
    /// <summary>Its id.</summary>
    public required string WebhookId { get; init; }

    /// <summary>Where events are posted. It may be a secret itself, as with some chat services: no log and no audit has more of it than the host.</summary>
    public required string Url { get; init; }

    /// <summary>
    /// Which entries of the audit it is sent: actions or codes (<c>rollout.paused</c>, <c>RWG-003</c>), <c>*</c> at the end for anything
    /// (<c>rollout.*</c>); empty: the events (<see cref="TenantEvents"/>).
    /// </summary>
    public ImmutableArray<string> Events { get; init; } = [];

    /// <summary>What it is for, in the words of whoever made it.</summary>
    public string? Description { get; init; }

    /// <summary>What signs, the newest first.</summary>
    public ImmutableArray<WebhookSecret> Secrets { get; init; } = [];

    /// <summary>What happened after this entry of the audit is sent.</summary>
    public required long After { get; init; }

    /// <summary>Who made it.</summary>
    public required Actor CreatedBy { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was removed; null: it works.</summary>
    public DateTimeOffset? RemovedAt { get; init; }

    /// <summary>The host that it is sent to: all that others than its admins are told of the address.</summary>
    public string Host => new Uri(Url).Authority;

    /// <summary>Whether it is sent an entry.</summary>
    public bool Wants(AuditDraft draft)
    {
        ArgumentNullException.ThrowIfNull(draft);
        return Events.IsEmpty ? TenantEvents.Includes(draft) : Events.Any(pattern => Fits(pattern, draft.Action) || (draft.Code is { } code && Fits(pattern, code)));
    }

    /// <summary>The secrets that sign at a time.</summary>
    public IEnumerable<string> KeysAt(DateTimeOffset now) => Secrets.Where(secret => secret.Until is null || secret.Until > now).Select(secret => secret.Key);

    private static bool Fits(string pattern, string name) => pattern.EndsWith('*')
        ? name.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : string.Equals(name, pattern, StringComparison.Ordinal);
}

/// <summary>What a webhook is signed with.</summary>
/// <param name="Key">The secret as it was shown: <c>whsec_</c> and Base64.</param>
/// <param name="Until">When it stops signing; null: it is the newest.</param>
public sealed record WebhookSecret(string Key, DateTimeOffset? Until = null);
