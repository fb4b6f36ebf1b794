using System.Diagnostics.Metrics;
using OrleansPolicy.Grains;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>Gauges over how webhooks stand. They are read with <see cref="StoredNumbers"/>.</summary>
public sealed class WebhookNumbers
{
    private readonly PostgresWebhooks _webhooks;
    private readonly TimeProvider _clock;
    private IReadOnlyList<Measurement<double>> _behind = [];
    private IReadOnlyList<Measurement<double>> _dead = [];

    /// <summary>Registers the gauges.</summary>
    public WebhookNumbers(PolicyMeter meter, PostgresWebhooks webhooks, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(meter);
        (_webhooks, _clock) = (webhooks, clock);
        meter.Observe("policy_webhook_behind_seconds", "How long ago the first thing happened that a webhook has not been sent yet; 0: nothing waits.", () => _behind);
        meter.Observe("policy_webhook_dead_letters", "What was given up for a webhook and not sent again.", () => _dead);
    }

    /// <summary>Reads them anew.</summary>
    public async Task ReadAsync()
    {
        var stands = await _webhooks.ReadStandsAsync(tenant: null, CancellationToken.None);
        var now = _clock.GetUtcNow();
        _behind = [.. stands.Select(stand => new Measurement<double>(stand.WaitingSince is { } since ? Math.Max(0, (now - since).TotalSeconds) : 0, Labels(stand)))];
        _dead = [.. stands.Select(stand => new Measurement<double>(stand.DeadLetters, Labels(stand)))];
    }

    private static KeyValuePair<string, object?>[] Labels(WebhookStand stand) => [new("tenant", stand.Tenant), new("webhook", stand.WebhookId)];
}
