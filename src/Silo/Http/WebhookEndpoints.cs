using System.Collections.Immutable;
using System.Security.Cryptography;
using OrleansPolicy.Audit;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Postgres;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Webhooks;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Http;

/// <summary>Receivers of a tenant's events. The secret is in the answer that makes it and nowhere else.</summary>
public static class WebhookEndpoints
{
    private const int SecretBytes = 32;

    /// <summary>Maps them.</summary>
    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/webhooks", CreateAsync)
            .Is(Permission.ManageWebhooks, "Make a webhook; the answer shows its secret once", WebhookRules.UrlCode, WebhookRules.EventsCode, WebhookRules.DescriptionCode, WebhookRules.LimitCode)
            .Takes<WebhookRequest>()
            .Gives<WebhookView>(StatusCodes.Status201Created);
        routes.MapGet("/webhooks", ListAsync)
            .Is(Permission.ManageWebhooks, "Webhooks, newest first, with how they stand")
            .Gives<WebhookList>();
        routes.MapGet("/webhooks/{webhook}", GetAsync)
            .Is(Permission.ManageWebhooks, "One webhook", WebhookRules.UnknownCode)
            .Gives<WebhookView>();
        routes.MapPut("/webhooks/{webhook}", ChangeAsync)
            .Is(Permission.ManageWebhooks, "Change it; it goes on where it is", WebhookRules.UnknownCode, WebhookRules.UrlCode, WebhookRules.EventsCode, WebhookRules.DescriptionCode)
            .Takes<WebhookRequest>()
            .Gives<WebhookView>();
        routes.MapPost("/webhooks/{webhook}/secret", RotateAsync)
            .Is(Permission.ManageWebhooks, "A new secret, shown once; the old one signs beside it for 24 hours", WebhookRules.UnknownCode)
            .Gives<WebhookView>();
        routes.MapDelete("/webhooks/{webhook}", RemoveAsync)
            .Is(Permission.ManageWebhooks, "Remove it, with what was given up", WebhookRules.UnknownCode)
            .Gives<RemovedWebhook>();
        routes.MapWebhookDeliveries();
    }

    /// <summary>The webhook that a path names; null: there is none, or it was removed.</summary>
    internal static async Task<Webhook?> FindAsync(this IRolloutStore store, string tenant, string id, CancellationToken cancellationToken) =>
        (await store.ListControlsAsync(tenant, ControlKinds.Webhook, id, cancellationToken)).FirstOrDefault()?.Read<Webhook>() is { RemovedAt: null } webhook ? webhook : null;

    internal static Problem Unknown() => new(WebhookRules.UnknownCode, "There is no such webhook.");

    private static async Task<IResult> CreateAsync(
        string tenant, IRolloutStore store, IAuditStore audit, ControlWrites controls, SiloSettings settings, HttpContext http)
    {
        var request = await http.ReadAsync<WebhookRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (url, events, description) = request.Value;
        var problems = Check(request.Value, settings);
        if (!problems.IsEmpty)
        {
            return new ProblemAnswer(problems);
        }

        var known = (await store.ListControlsAsync(tenant, ControlKinds.Webhook, null, http.RequestAborted)).Count(control => control.Read<Webhook>().RemovedAt is null);
        if (known >= WebhookRules.PerTenantMax)
        {
            return new ProblemAnswer(WebhookRules.LimitCode, $"A tenant has at most {WebhookRules.PerTenantMax} webhooks.");
        }

        var (by, id, secret) = (http.ApiCaller().Actor, Guid.CreateVersion7().ToString("N"), NewSecret());
        var after = (await audit.ReadHeadAsync(tenant, http.RequestAborted)).Seq;
        var made = await controls.WriteAsync<Webhook>(http, tenant, ControlKinds.Webhook, id, StatusCodes.Status201Created, (_, now) => Written(
            new Webhook
            {
                WebhookId = id,
                Url = url!,
                Events = events ?? [],
                Description = description,
                Secrets = [new WebhookSecret(secret)],
                After = after,
                CreatedBy = by,
                CreatedAt = now,
            },
            by, "webhook.created", now));
        return made.Succeeded
            ? new JsonAnswer(
                WebhookView.Of(made.Value, stand: null, ShownSecret(made.Value)), StatusCodes.Status201Created, ("Location", $"/v1/{tenant}/webhooks/{made.Value.WebhookId}"))
            : made.Refusal();
    }

    private static async Task<IResult> ListAsync(string tenant, IRolloutStore store, PostgresWebhooks webhooks, HttpContext http)
    {
        var stored = await store.ListControlsAsync(tenant, ControlKinds.Webhook, null, http.RequestAborted);
        var stands = (await webhooks.ReadStandsAsync(tenant, http.RequestAborted)).ToDictionary(stand => stand.WebhookId, StringComparer.Ordinal);
        return Answers.Ok(new WebhookList(
            [.. stored.Select(control => control.Read<Webhook>()).Where(webhook => webhook.RemovedAt is null).Select(webhook => WebhookView.Of(webhook, stands.GetValueOrDefault(webhook.WebhookId)))]));
    }

    private static async Task<IResult> GetAsync(string tenant, string webhook, IRolloutStore store, PostgresWebhooks webhooks, HttpContext http) =>
        await store.FindAsync(tenant, webhook, http.RequestAborted) is { } known
            ? Answers.Ok(WebhookView.Of(known, await StandAsync(webhooks, tenant, webhook, http)))
            : new ProblemAnswer([Unknown()]);

    private static async Task<IResult> ChangeAsync(
        string tenant, string webhook, ControlWrites controls, PostgresWebhooks webhooks, SiloSettings settings, HttpContext http)
    {
        var request = await http.ReadAsync<WebhookRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var problems = Check(request.Value, settings);
        if (!problems.IsEmpty)
        {
            return new ProblemAnswer(problems);
        }

        var (url, events, description) = request.Value;
        var changed = await WriteAsync(controls, http, tenant, webhook, "webhook.changed", (known, _) => known with { Url = url!, Events = events ?? [], Description = description });
        var stand = changed.Succeeded ? await StandAsync(webhooks, tenant, webhook, http) : null;
        return changed.Answer(after => WebhookView.Of(after, stand));
    }

    private static async Task<IResult> RotateAsync(string tenant, string webhook, ControlWrites controls, PostgresWebhooks webhooks, HttpContext http)
    {
        var secret = NewSecret();
        var rotated = await WriteAsync(controls, http, tenant, webhook, "webhook.secret_replaced", (known, now) => WebhookRules.Rotate(known, secret, now));
        var stand = rotated.Succeeded ? await StandAsync(webhooks, tenant, webhook, http) : null;
        return rotated.Answer(after => WebhookView.Of(after, stand, ShownSecret(after)));
    }

    private static async Task<IResult> RemoveAsync(string tenant, string webhook, ControlWrites controls, HttpContext http) =>
        (await WriteAsync(controls, http, tenant, webhook, "webhook.removed", WebhookRules.Remove)).Answer(removed => new RemovedWebhook(removed.WebhookId, Removed: true));

    private static Task<Outcome<Webhook>> WriteAsync(
        ControlWrites controls, HttpContext http, string tenant, string id, string action, Func<Webhook, DateTimeOffset, Webhook> change)
    {
        var by = http.ApiCaller().Actor;
        return controls.WriteAsync<Webhook>(http, tenant, ControlKinds.Webhook, id, StatusCodes.Status200OK, (known, now) => known is { RemovedAt: null }
            ? Written(change(known, now), by, action, now)
            : Outcome<ControlChange<Webhook>>.Fail([Unknown()]));
    }

    // Of the address the audit has the host alone: the rest may be a secret. What is kept for a repetition has no secret at all.
    private static Outcome<ControlChange<Webhook>> Written(Webhook after, Actor by, string action, DateTimeOffset now)
    {
        var change = ControlChange<Webhook>.Of(
            after, by, action, $"webhooks/{after.WebhookId}", null, now,
            ("host", after.Host), ("events", after.Events.IsEmpty ? null : string.Join(' ', after.Events)), ("description", after.Description));
        return Outcome<ControlChange<Webhook>>.Ok(change.Value! with { Repeated = after with { Secrets = [] } });
    }

    private static ImmutableArray<Problem> Check(WebhookRequest request, SiloSettings settings) =>
        WebhookRules.Check(request.Url, request.Events, request.Description, allowsHttp: !settings.Webhooks.AllowedNetworks.IsEmpty);

    private static string? ShownSecret(Webhook webhook) => webhook.Secrets.IsEmpty ? null : webhook.Secrets[0].Key;

    private static async Task<WebhookStand?> StandAsync(PostgresWebhooks webhooks, string tenant, string id, HttpContext http) =>
        (await webhooks.ReadStandsAsync(tenant, http.RequestAborted)).FirstOrDefault(stand => stand.WebhookId == id);

    private static string NewSecret() => WebhookSignature.Secret(RandomNumberGenerator.GetBytes(SecretBytes));
}

/// <summary>What a webhook is to be.</summary>
/// <param name="Url">Where to post: https.</param>
/// <param name="Events">Actions or codes of the audit, <c>*</c> at the end for anything; null: the events of rollouts, ways back, arms and disarms.</param>
/// <param name="Description">What it is for, at most 200 characters.</param>
public sealed record WebhookRequest(string? Url, ImmutableArray<string>? Events, string? Description);

/// <summary>A webhook for its admins.</summary>
/// <param name="WebhookId">Its id.</param>
/// <param name="Url">Where it posts.</param>
/// <param name="Events">What it asks for; empty: the events.</param>
/// <param name="Description">What it is for.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="State">How it stands.</param>
/// <param name="After">Up to which entry of the audit it is.</param>
/// <param name="WaitingSince">When the first thing happened that it was not sent yet.</param>
/// <param name="FailingSince">Since when nothing gets through.</param>
/// <param name="NextTryAt">When it is tried again.</param>
/// <param name="Error">Why the last try failed.</param>
/// <param name="DeliveredAt">When something was last taken.</param>
/// <param name="DeadLetters">How much was given up and not sent again.</param>
/// <param name="Secret">The secret, in the answer that makes it alone.</param>
public sealed record WebhookView(
    string WebhookId, string Url, ImmutableArray<string> Events, string? Description, string CreatedBy, DateTimeOffset CreatedAt, WebhookState State, long After,
    DateTimeOffset? WaitingSince, DateTimeOffset? FailingSince, DateTimeOffset? NextTryAt, string? Error, DateTimeOffset? DeliveredAt, long DeadLetters, string? Secret)
{
    internal static WebhookView Of(Webhook webhook, WebhookStand? stand, string? secret = null)
    {
        var progress = stand?.Progress ?? new WebhookProgress(webhook.After);
        var state = progress.FailingSince is not null ? WebhookState.Failing : stand?.WaitingSince is not null ? WebhookState.Behind : WebhookState.UpToDate;
        return new WebhookView(
            webhook.WebhookId, webhook.Url, webhook.Events, webhook.Description, webhook.CreatedBy.Subject, webhook.CreatedAt, state, progress.After, stand?.WaitingSince,
            progress.FailingSince, progress.FailingSince is null ? null : progress.NextAt, progress.Error, progress.DeliveredAt, stand?.DeadLetters ?? 0, secret);
    }
}

/// <summary>How a webhook stands.</summary>
public enum WebhookState
{
    /// <summary>Nothing waits for it.</summary>
    UpToDate,

    /// <summary>Something waits, and is about to be sent.</summary>
    Behind,

    /// <summary>The last try failed.</summary>
    Failing,
}

/// <summary>Webhooks, newest first.</summary>
public sealed record WebhookList(ImmutableArray<WebhookView> Webhooks);

/// <summary>A webhook that is sent nothing any more.</summary>
public sealed record RemovedWebhook(string WebhookId, bool Removed);
