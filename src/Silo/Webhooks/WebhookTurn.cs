using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>One webhook's turn: sends what waits for it, in order, until nothing does, sending fails, or its time is over.</summary>
internal sealed class WebhookTurn(
    ClaimedWebhook claimed, PostgresWebhooks webhooks, IAuditStore audit, WebhookTransport transport, TimeProvider clock, ILogger logger)
{
    /// <summary>How long a claim lasts: longer than any step, which is one try and a statement or two that end within five seconds each.</summary>
    public static readonly TimeSpan ClaimLasts = TimeSpan.FromSeconds(30);

    private const int PageMax = 500;

    // Then others that wait have their turn.
    private static readonly TimeSpan TurnLasts = TimeSpan.FromSeconds(5);

    private WebhookProgress _progress = claimed.Progress;

    // What an unclear answer of the store leaves open: then the row, not what is remembered, says how far it is.
    private bool _isKnown = true;

    private DateTimeOffset Now => clock.GetUtcNow();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var end = Now + TurnLasts;
        while (Now < end)
        {
            var page = await audit.ReadAsync(claimed.Tenant, _progress.After, PageMax, null, cancellationToken);
            foreach (var entry in page)
            {
                if (!claimed.Webhook.Wants(entry.Draft))
                {
                    // Written down with the next step, or at the end.
                    _progress = _progress.Past(entry.Seq);
                }
                else if (Now >= end || !await PassAsync(entry, cancellationToken))
                {
                    return;
                }
            }

            if (page.Length < PageMax)
            {
                return;
            }
        }
    }

    /// <summary>Writes down how far it came, for whoever is next.</summary>
    public async Task LetGoAsync()
    {
        if (!_isKnown)
        {
            return;
        }

        try
        {
            await webhooks.MoveAsync(claimed, _progress, claimedUntil: null);
        }
        catch (StoreUnavailableException)
        {
            // The claim runs out by itself; what was not written down was not sent.
        }
    }

    /// <summary>True: it is past the entry.</summary>
    private async Task<bool> PassAsync(AuditEntry entry, CancellationToken cancellationToken)
    {
        if (Now >= _progress.NextAt)
        {
            var answer = await transport.SendAsync(claimed.Tenant, claimed.Webhook, WebhookMessage.Of(claimed.Webhook, claimed.Tenant, entry), cancellationToken);
            if (answer.Result == WebhookResult.Delivered)
            {
                return await WriteAsync(_progress.Delivered(entry.Seq, Now));
            }

            _progress = _progress.Failed(
                Now, answer.Result == WebhookResult.Refused, $"{answer.Code}: {answer.Sentence}", transport.WaitAfter(_progress.Failures + 1, answer));
        }

        if (!_progress.GivesUp(entry.Draft.At, Now))
        {
            return false;
        }

        logger.LogWarning(
            "What happened at {Seq} of the audit of {Tenant} was given up for webhook {Webhook}: {Error}", entry.Seq, claimed.Tenant, claimed.Webhook.WebhookId, _progress.Error);
        return await WriteAsync(_progress.GivenUp(entry.Seq, Now), isDead: true);
    }

    // Not ended by a process that stops: what was sent is written down.
    private async Task<bool> WriteAsync(WebhookProgress progress, bool isDead = false)
    {
        _isKnown = false;
        var now = Now;
        var isOurs = isDead
            ? await webhooks.GiveUpAsync(claimed, progress, now, now + ClaimLasts)
            : await webhooks.MoveAsync(claimed, progress, now + ClaimLasts);

        // Where another has the claim, it is the other who lets it go.
        _isKnown = isOurs;
        _progress = progress;
        return isOurs;
    }
}
