using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using OrleansPolicy.Client;
using OrleansPolicy.Grains;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Telemetry;
using OrleansPolicy.Webhooks;

namespace OrleansPolicy.Silo.Webhooks;

/// <summary>
/// Posts to receivers, whom nobody trusts: an address is checked when it is connected to, after its name was looked up, so that no name can
/// say one thing when asked and another when used; redirects are not followed, answers not read, and nobody is waited for longer than told.
/// </summary>
public sealed class WebhookTransport : IDisposable
{
    private const int AnswerBytesMax = 64 * 1024;

    private readonly WebhookSettings _settings;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Backoff _backoff;
    private readonly Counter<long> _tries;
    private readonly HttpMessageInvoker _http;

    /// <summary>Opens no connection yet.</summary>
    public WebhookTransport(
        SiloSettings settings, PolicyMeter meter, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock, ILogger<WebhookTransport> logger)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(meter);
        (_settings, _clock, _logger) = (settings.Webhooks, clock, logger);
        _backoff = new Backoff(_settings.RetryFirst, _settings.RetryMax) { RetryAfterMax = _settings.RetryMax };
        _tries = meter.Count("policy_webhook_deliveries_total", "Tries to send something to a webhook, by result: delivered, refused, unanswered.");
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,

            // A proxy would be the one to connect, and check nothing. Who must go through one lets the control plane's network do it.
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = AnswerBytesMax / 1024,

            // What is left of an answer is dropped up to here, to keep the connection; above it the connection is closed.
            MaxResponseDrainSize = AnswerBytesMax,

            // A receiver is no part of a trace, and need not know that there is one.
            ActivityHeadersPropagator = null,
        });
    }

    /// <summary>Sends once. Whatever goes wrong is an answer; throws only where it is <paramref name="cancellationToken"/> that ends it.</summary>
    public async Task<WebhookAnswer> SendAsync(string tenant, Webhook webhook, WebhookMessage message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        ArgumentNullException.ThrowIfNull(message);
        var began = Stopwatch.GetTimestamp();
        var answer = await TryAsync(webhook, message, cancellationToken) with { Took = Stopwatch.GetElapsedTime(began) };
        _tries.Add(1, new("tenant", tenant), new("webhook", webhook.WebhookId), new KeyValuePair<string, object?>("result", answer.Result.ToString().ToLowerInvariant()));
        if (answer.Result != WebhookResult.Delivered)
        {
            _logger.LogInformation("Webhook {Webhook} of {Tenant} to {Host}: {Sentence} [{Code}]", webhook.WebhookId, tenant, webhook.Host, answer.Sentence, answer.Code);
        }

        return answer;
    }

    /// <summary>How long to wait after a number of failures in a row, the last of them with this answer.</summary>
    public TimeSpan WaitAfter(int failures, WebhookAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        return _backoff.After(failures, answer.RetryAfter);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<WebhookAnswer> TryAsync(Webhook webhook, WebhookMessage message, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_settings.AnswerWithin);
        try
        {
            // It is there when its head is; what follows is dropped when the response is.
            using var request = message.ToRequest(webhook, _clock.GetUtcNow());
            using var response = await _http.SendAsync(request, limit.Token);
            return Judge(response);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer(WebhookResult.Unanswered, "webhook.timeout", $"No answer within {_settings.AnswerWithin.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException exception)
        {
            return Describe(exception);
        }
    }

    private WebhookAnswer Judge(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var after = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date - _clock.GetUtcNow()) : null;
        return status switch
        {
            >= 200 and < 300 => new WebhookAnswer(WebhookResult.Delivered, "webhook.delivered", "It was taken.") { Status = status },
            >= 300 and < 400 => new WebhookAnswer(WebhookResult.Refused, "webhook.redirect", $"The receiver answered {status}; no redirect is followed.") { Status = status },

            // What stands before a receiver that is not there, or one that asks for time.
            408 or 429 or 502 or 503 or 504 => new WebhookAnswer(WebhookResult.Unanswered, "webhook.unavailable", $"The receiver answered {status}.")
            {
                Status = status,
                RetryAfter = after,
            },
            _ => new WebhookAnswer(WebhookResult.Refused, "webhook.refused", $"The receiver answered {status}.") { Status = status },
        };
    }

    // No exception's own words: they may name the address with all that is secret in it, or what the receiver said.
    private static WebhookAnswer Describe(HttpRequestException exception) => (exception.HttpRequestError, exception.InnerException) switch
    {
        (_, ForbiddenAddressException forbidden) => new(WebhookResult.Unanswered, "webhook.address", forbidden.Message),
        (HttpRequestError.NameResolutionError, _) or (_, SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }) =>
            new(WebhookResult.Unanswered, "webhook.name", "The host's name cannot be looked up."),
        (HttpRequestError.SecureConnectionError, _) => new(WebhookResult.Unanswered, "webhook.tls", "No secure connection: the receiver's certificate is not trusted, or it speaks no TLS."),
        (HttpRequestError.ConfigurationLimitExceeded, _) => new(WebhookResult.Refused, "webhook.answer", "The answer's head is too long."),
        (_, SocketException) => new(WebhookResult.Unanswered, "webhook.connect", "No connection."),
        _ => new(WebhookResult.Unanswered, "webhook.answer", "The connection broke, or the answer is no HTTP."),
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var isPlain = context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttp;
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        var allowed = addresses.Where(address => IsAllowed(address, isPlain)).ToList();
        if (allowed.Count == 0)
        {
            throw new ForbiddenAddressException(
                isPlain && addresses.Any(PublicNetworks.Include) ? "Plain http goes to networks of Policy:Webhooks:AllowedNetworks alone."
                    : "The host is on this machine, its link or a private network; Policy:Webhooks:AllowedNetworks does not have it.");
        }

        for (var index = 0; ; index++)
        {
            var socket = new Socket(allowed[index].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(allowed[index], port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (index + 1 < allowed.Count)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private bool IsAllowed(IPAddress address, bool isPlain) =>
        PublicNetworks.IsIn(address, _settings.AllowedNetworks) || (!isPlain && PublicNetworks.Include(address));

    private sealed class ForbiddenAddressException(string message) : IOException(message);
}

/// <summary>What became of one try.</summary>
/// <param name="Result">Whether it was taken.</param>
/// <param name="Code">Why not: <c>webhook.timeout</c>, <c>webhook.refused</c>, …</param>
/// <param name="Sentence">The same for people; nothing in it comes from the receiver but a number.</param>
public sealed record WebhookAnswer(WebhookResult Result, string Code, string Sentence)
{
    /// <summary>The status of the answer; null: there was none.</summary>
    public int? Status { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Took { get; init; }

    /// <summary>How long the receiver asks to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>What became of one try.</summary>
public enum WebhookResult
{
    /// <summary>The receiver took it: a status from 200 to 299.</summary>
    Delivered,

    /// <summary>The receiver is there and refused it.</summary>
    Refused,

    /// <summary>The receiver, or the way to it, is not there.</summary>
    Unanswered,
}
