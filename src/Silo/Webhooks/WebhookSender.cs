using System.Collections.Concurrent;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Postgres;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>
/// Sends for the webhooks that something waits for. Every silo looks each second; a claim sees to it that one of them sends. Each webhook
/// is sent to by itself, for a few seconds at a time: one whose receiver is slow or gone keeps no other waiting. How far it is is written down
/// after every step, so that what is sent twice after a crash is one event.
/// </summary>
internal sealed class WebhookSender(
    PostgresWebhooks webhooks, IAuditStore audit, WebhookTransport transport, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<WebhookSender> logger)
    : BackgroundService
{
    /// <summary>How many webhooks one silo sends for at once.</summary>
    public const int AtOnceMax = 64;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan DeadKept = TimeSpan.FromDays(30);

    private readonly ConcurrentDictionary<Task, bool> _sending = new();
    private DateTimeOffset _sweptAt;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rounds = new Rounds(logger, "Webhooks cannot be read; trying again every second.");
        try
        {
            while (true)
            {
                await rounds.RunAsync(LookAsync, stoppingToken);
                await Task.Delay(LookEvery, clock, stoppingToken);
            }
        }
        finally
        {
            // Each lets its claim go, so that another silo goes on at once.
            await Task.WhenAll(_sending.Keys);
        }
    }

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        if (_sending.Count < AtOnceMax)
        {
            var now = clock.GetUtcNow();
            var claim = Guid.NewGuid().ToString("N");
            foreach (var claimed in await webhooks.ClaimAsync(claim, now, now + WebhookTurn.ClaimLasts, AtOnceMax - _sending.Count, stoppingToken))
            {
                Begin(claimed, stoppingToken);
            }
        }

        if (clock.GetUtcNow() - _sweptAt >= SweepEvery)
        {
            _sweptAt = clock.GetUtcNow();
            await webhooks.SweepAsync(_sweptAt - DeadKept, stoppingToken);
        }
    }

    private void Begin(ClaimedWebhook claimed, CancellationToken stoppingToken)
    {
        var sending = SendAsync(claimed, stoppingToken);
        _sending[sending] = true;
        _ = sending.ContinueWith(done => _sending.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private async Task SendAsync(ClaimedWebhook claimed, CancellationToken stoppingToken)
    {
        var turn = new WebhookTurn(claimed, webhooks, audit, transport, clock, logger);
        try
        {
            await turn.RunAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was begun counts as not sent, and is sent again by whoever is next.
        }
        catch (StoreUnavailableException)
        {
            // The next look says so.
        }
#pragma warning disable CA1031 // One webhook that cannot be sent to must not end the sending for all.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogError(exception, "Sending for webhook {Webhook} of {Tenant} failed; it is tried again.", claimed.Webhook.WebhookId, claimed.Tenant);
        }

        await turn.LetGoAsync();
    }
}
