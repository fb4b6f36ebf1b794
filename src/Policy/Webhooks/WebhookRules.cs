using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Webhooks;

/// <summary>What a webhook may be, and what can be done with it.</summary>
public static partial class WebhookRules
{
    /// <summary>There is no such webhook, or it was removed.</summary>
    public const string UnknownCode = "webhook.unknown";

    /// <summary>The address is none that can be posted to.</summary>
    public const string UrlCode = "webhook.url";

    /// <summary>The events are no list of actions and codes.</summary>
    public const string EventsCode = "webhook.events";

    /// <summary>The description is too long.</summary>
    public const string DescriptionCode = "webhook.description";

    /// <summary>The tenant has as many as it may have.</summary>
    public const string LimitCode = "webhook.limit";

    /// <summary>The most webhooks of a tenant.</summary>
    public const int PerTenantMax = 32;

    /// <summary>How long a secret goes on signing, beside the new one, after it was replaced.</summary>
    public static readonly TimeSpan OldSecretLasts = TimeSpan.FromHours(24);

    private const int UrlLengthMax = 2_048;
    private const int EventsMax = 32;
    private const int DescriptionLengthMax = 200;
    private const int SecretsMax = 4;

    /// <summary>Everything that is wrong with one.</summary>
    /// <param name="url">Where it is to post.</param>
    /// <param name="events">What it is to be sent; null: the events.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="allowsHttp">Whether there are networks to which plain http may go.</param>
    public static ImmutableArray<Problem> Check(string? url, ImmutableArray<string>? events, string? description, bool allowsHttp)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        if (WrongWith(url, allowsHttp) is { } wrong)
        {
            problems.Add(new Problem(UrlCode, wrong, "$.url"));
        }

        if (events is { } patterns && (patterns.Length > EventsMax || !patterns.All(pattern => pattern is not null && Pattern().IsMatch(pattern))))
        {
            problems.Add(new Problem(
                EventsCode, $"At most {EventsMax} actions or codes of the audit, such as rollout.paused, RWG-003 or, for all that begin so, arm.*.", "$.events"));
        }

        if (description?.Length > DescriptionLengthMax)
        {
            problems.Add(new Problem(DescriptionCode, $"A description has at most {DescriptionLengthMax} characters.", "$.description"));
        }

        return problems.DrainToImmutable();
    }

    /// <summary>With a new secret; those before it sign on, beside it, for <see cref="OldSecretLasts"/>, so that receivers can be changed one by one.</summary>
    public static Webhook Rotate(Webhook webhook, string key, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        return webhook with
        {
            Secrets =
            [
                new WebhookSecret(key),
                .. webhook.Secrets.Where(secret => secret.Until is null || secret.Until > now)
                    .Select(secret => secret with { Until = secret.Until ?? now + OldSecretLasts }).Take(SecretsMax - 1),
            ],
        };
    }

    /// <summary>Its end: it is sent nothing any more, and nothing can sign in its name.</summary>
    public static Webhook Remove(Webhook webhook, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        return webhook with { RemovedAt = now, Secrets = [] };
    }

    private static string? WrongWith(string? url, bool allowsHttp) =>
        url is not { Length: >= 1 and <= UrlLengthMax } || !Uri.TryCreate(url, UriKind.Absolute, out var uri) ? $"Give an address such as https://example.com/hook, at most {UrlLengthMax} characters."
        : uri.Scheme != Uri.UriSchemeHttps && !(allowsHttp && uri.Scheme == Uri.UriSchemeHttp) ? "The address is https: what is sent must not be read on the way."
        : uri.UserInfo.Length > 0 ? "The address holds no user and password: what is sent is signed."
        : uri.Fragment.Length > 0 ? "The address has no fragment: it is never sent."
        : uri.Host.Length == 0 ? "The address names a host."
        : null;

    [GeneratedRegex(@"\A(?:[A-Za-z0-9_.-]{1,64}\*?|\*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
