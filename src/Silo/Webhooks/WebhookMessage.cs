using System.Collections.Immutable;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Silo.Http;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>What is posted: its body is the same however often it is sent.</summary>
/// <param name="Id">Its id, by which a receiver knows what it has already.</param>
/// <param name="Body">JSON: <c>{type, timestamp, tenant, data}</c>.</param>
public sealed record WebhookMessage(string Id, ImmutableArray<byte> Body)
{
    /// <summary>What is sent to try a webhook.</summary>
    public const string TestType = "webhook.test";

    /// <summary>Of an entry of the audit; the data is the entry as <c>/audit</c> shows it.</summary>
    public static WebhookMessage Of(Webhook webhook, string tenant, AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        ArgumentNullException.ThrowIfNull(entry);
        return new WebhookMessage(
            string.Create(CultureInfo.InvariantCulture, $"{webhook.WebhookId}-{entry.Seq}"),
            Json(new Form(entry.Draft.Action, entry.Draft.At, tenant, AuditEntryView.Of(entry))));
    }

    /// <summary>To try a webhook.</summary>
    public static WebhookMessage Test(Webhook webhook, string tenant, string by, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        return new WebhookMessage($"{webhook.WebhookId}-test-{Guid.CreateVersion7():N}", Json(new Form(TestType, now, tenant, new { webhook.WebhookId, By = by })));
    }

    /// <summary>As a request, signed with every secret in force.</summary>
    public HttpRequestMessage ToRequest(Webhook webhook, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        var timestamp = now.ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ReadOnlyMemoryContent(Body.AsMemory()) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation(WebhookSignature.IdHeader, Id);
        request.Headers.TryAddWithoutValidation(WebhookSignature.TimestampHeader, timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(
            WebhookSignature.SignatureHeader, string.Join(' ', webhook.KeysAt(now).Select(key => WebhookSignature.Sign(key, Id, timestamp, Body.AsSpan()))));
        request.Headers.TryAddWithoutValidation("User-Agent", "orleans-policy");
        return request;
    }

    private static ImmutableArray<byte> Json(Form form) =>
        System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(JsonSerializer.SerializeToUtf8Bytes(form, PolicyJson.Options));

    private sealed record Form(string Type, DateTimeOffset Timestamp, string Tenant, object Data);
}
