using System.Collections.Immutable;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Webhooks;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Http;

/// <summary>Trying a webhook, and what was given up for it.</summary>
public static class WebhookDeliveryEndpoints
{
    private const string NotDeadCode = "webhook.dead_letter.unknown";
    private const int PageMax = 1_000;

    /// <summary>Maps them.</summary>
    public static void MapWebhookDeliveries(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/webhooks/{webhook}/test", TestAsync)
            .Is(Permission.ManageWebhooks, "Post a webhook.test to it now", WebhookRules.UnknownCode)
            .Gives<WebhookTry>();
        routes.MapGet("/webhooks/{webhook}/dead", ListDeadAsync)
            .Is(Permission.ManageWebhooks, "What was given up, in the order in which it happened; after a place in the audit", WebhookRules.UnknownCode, "request.limit", "request.after")
            .Gives<DeadLetterList>();
        routes.MapPost("/webhooks/{webhook}/dead/{seq:long}/replay", ReplayAsync)
            .Is(Permission.ManageWebhooks, "Send it again now; once it is taken it is no dead letter any more", WebhookRules.UnknownCode, NotDeadCode)
            .Gives<WebhookTry>();
    }

    private static async Task<IResult> TestAsync(
        string tenant, string webhook, IRolloutStore store, WebhookTransport transport, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, HttpContext http)
    {
        if (await store.FindAsync(tenant, webhook, http.RequestAborted) is not { } known)
        {
            return new ProblemAnswer([WebhookEndpoints.Unknown()]);
        }

        var message = WebhookMessage.Test(known, tenant, http.ApiCaller().Actor.Subject, clock.GetUtcNow());
        return Answers.Ok(WebhookTry.Of(await transport.SendAsync(tenant, known, message, http.RequestAborted), message));
    }

    private static async Task<IResult> ListDeadAsync(
        string tenant, string webhook, IRolloutStore store, PostgresWebhooks webhooks, IAuditStore audit, HttpContext http, long after = 0, int limit = 100)
    {
        if (RequestRules.Collect(
            RequestRules.CheckLimit(limit, PageMax), after >= 0 ? null : new Problem("request.after", "after is a sequence number, 0 or above.", "$.after")) is { } refusal)
        {
            return refusal;
        }

        if (await store.FindAsync(tenant, webhook, http.RequestAborted) is null)
        {
            return new ProblemAnswer([WebhookEndpoints.Unknown()]);
        }

        var views = ImmutableArray.CreateBuilder<DeadLetterView>();
        foreach (var dead in await webhooks.ListDeadAsync(tenant, webhook, after, limit, http.RequestAborted))
        {
            var entry = (await audit.ReadAsync(tenant, dead.Seq - 1, 1, null, http.RequestAborted))[0];
            views.Add(new DeadLetterView(dead.Seq, entry.Draft.Action, entry.Draft.Subject, entry.Draft.At, dead.DeadAt, dead.Error));
        }

        return Answers.Ok(new DeadLetterList(views.DrainToImmutable()));
    }

    private static async Task<IResult> ReplayAsync(
        string tenant, string webhook, long seq, IRolloutStore store, PostgresWebhooks webhooks, IAuditStore audit, WebhookTransport transport, HttpContext http)
    {
        if (await store.FindAsync(tenant, webhook, http.RequestAborted) is not { } known)
        {
            return new ProblemAnswer([WebhookEndpoints.Unknown()]);
        }

        if ((await webhooks.ListDeadAsync(tenant, webhook, seq - 1, 1, http.RequestAborted)).FirstOrDefault()?.Seq != seq)
        {
            return new ProblemAnswer(NotDeadCode, $"What happened at {seq} was not given up, or was sent since.");
        }

        var message = WebhookMessage.Of(known, tenant, (await audit.ReadAsync(tenant, seq - 1, 1, null, http.RequestAborted))[0]);
        var answer = await transport.SendAsync(tenant, known, message, http.RequestAborted);
        if (answer.Result == WebhookResult.Delivered)
        {
            await webhooks.ForgetDeadAsync(tenant, webhook, seq, CancellationToken.None);
        }

        return Answers.Ok(WebhookTry.Of(answer, message));
    }
}

/// <summary>What became of one try.</summary>
/// <param name="Delivered">Whether the receiver took it.</param>
/// <param name="MessageId">The id that it was sent under.</param>
/// <param name="Code"><c>webhook.delivered</c>, or why not.</param>
/// <param name="Sentence">The same for people.</param>
/// <param name="Status">The status of the receiver's answer; null: there was none.</param>
/// <param name="TookMs">How long it took, in milliseconds.</param>
public sealed record WebhookTry(bool Delivered, string MessageId, string Code, string Sentence, int? Status, double TookMs)
{
    internal static WebhookTry Of(WebhookAnswer answer, WebhookMessage message) => new(
        answer.Result == WebhookResult.Delivered, message.Id, answer.Code, answer.Sentence, answer.Status, Math.Round(answer.Took.TotalMilliseconds, 1));
}

/// <summary>What was given up.</summary>
/// <param name="Seq">Its place in the audit.</param>
/// <param name="Type">What happened.</param>
/// <param name="Subject">To what.</param>
/// <param name="At">When.</param>
/// <param name="DeadAt">When it was given up.</param>
/// <param name="Error">Why the last try failed.</param>
public sealed record DeadLetterView(long Seq, string Type, string Subject, DateTimeOffset At, DateTimeOffset DeadAt, string Error);

/// <summary>What was given up, in the order in which it happened.</summary>
public sealed record DeadLetterList(ImmutableArray<DeadLetterView> DeadLetters);
