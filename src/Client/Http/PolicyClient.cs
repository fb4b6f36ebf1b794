using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace OrleansPolicy.Client;

/// <summary>
/// A typed client of the HTTP API (docs/API.md). Every call may throw <see cref="PolicyApiException"/> (the answer is no),
/// <see cref="PolicyUnreachableException"/> (there is no answer) and <see cref="OperationCanceledException"/>. Requests that can be
/// repeated safely are repeated on 503 and on connection errors; those that change something carry an idempotency key for it.
/// </summary>
public sealed partial class PolicyClient : IDisposable
{
    private readonly PolicyTransport _transport;
    private readonly bool _ownsTransport;
    private readonly string _origin;
    private readonly string _tenantPath;

    /// <summary>Opens no connection yet.</summary>
    /// <exception cref="ArgumentException">The server is no http or https origin, the tenant no name.</exception>
    public PolicyClient(PolicyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Server is not { IsAbsoluteUri: true, Scheme: "http" or "https", PathAndQuery: "/", UserInfo: "" })
        {
            throw new ArgumentException($"The server must be an origin such as http://127.0.0.1:8080, not '{options.Server}'.", nameof(options));
        }

        if (!Names.IsValid(options.Tenant))
        {
            throw new ArgumentException($"'{options.Tenant}' is no tenant name.", nameof(options));
        }

        Options = options;
        _origin = options.Server.GetLeftPart(UriPartial.Authority);
        _tenantPath = "/v1/" + options.Tenant;
        _ownsTransport = options.Transport is null;
        _transport = options.Transport ?? new PolicyTransport();
    }

    /// <summary>What it was made with.</summary>
    public PolicyClientOptions Options { get; }

    /// <summary>Whether the control plane is there and ready.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await SendAsync(new PolicyRequest(HttpMethod.Get, "/readyz") { MaxAttempts = 1 }, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is PolicyApiException or PolicyUnreachableException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsTransport)
        {
            _transport.Dispose();
        }
    }

    /// <summary>Refuses whatever would leave the origin: an absolute address, <c>//host</c>, a backslash, a way up.</summary>
    internal bool IsOwnPath(string? path) =>
        path is ['/', not ('/' or '\\'), ..] && !path.Contains('\\', StringComparison.Ordinal) && !path.Any(char.IsControl)
        && Uri.TryCreate(_origin + path, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority) == _origin
        && uri.PathAndQuery == path;

    internal async Task<PolicyAnswer> SendAsync(PolicyRequest request, CancellationToken cancellationToken)
    {
        var attempts = request.IsRepeatable ? Math.Max(1, request.MaxAttempts ?? Options.MaxAttempts) : 1;
        for (var failures = 1; ; failures++)
        {
            TimeSpan? retryAfter = null;
            try
            {
                return await SendOnceAsync(request, cancellationToken);
            }
            catch (PolicyApiException e) when (e.Status == 503 && failures < attempts)
            {
                retryAfter = e.RetryAfter;
            }
            catch (PolicyUnreachableException) when (failures < attempts)
            {
            }

            await Task.Delay(Options.Backoff.After(failures, retryAfter), Options.TimeProvider, cancellationToken);
        }
    }

    private static string Segment(string value) => Uri.EscapeDataString(value);

    private static string NewIdempotencyKey() => Guid.NewGuid().ToString("N");

    private static ReadOnlyMemory<byte> Json<T>(T body) => JsonSerializer.SerializeToUtf8Bytes(body, PolicyJson.Options);

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        Read<T>(await SendAsync(new PolicyRequest(HttpMethod.Get, _tenantPath + path), cancellationToken));

    private async Task<ImmutableArray<T>> ListAsync<T>(string path, string name, CancellationToken cancellationToken) =>
        ReadList<T>(await SendAsync(new PolicyRequest(HttpMethod.Get, _tenantPath + path), cancellationToken), name);

    private Task<PolicyAnswer> SendJsonAsync<TBody>(
        HttpMethod method, string path, TBody body, string? idempotencyKey, CancellationToken cancellationToken) =>
        SendAsync(
            new PolicyRequest(method, _tenantPath + path) { Body = Json(body), IdempotencyKey = idempotencyKey ?? NewIdempotencyKey() },
            cancellationToken);

    private async Task<TAnswer> SendJsonAsync<TBody, TAnswer>(
        HttpMethod method, string path, TBody body, string? idempotencyKey, CancellationToken cancellationToken) =>
        Read<TAnswer>(await SendJsonAsync(method, path, body, idempotencyKey, cancellationToken));

    private static T Read<T>(PolicyAnswer answer)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(answer.Body, PolicyJson.Options)
                ?? throw new PolicyApiException(answer.Status, "client.answer_malformed", "The answer is null.");
        }
        catch (JsonException e)
        {
            throw new PolicyApiException(answer.Status, "client.answer_malformed", $"The answer is not what was expected: {e.Message}");
        }
    }

    /// <summary>A list, bare or under its name.</summary>
    private static ImmutableArray<T> ReadList<T>(PolicyAnswer answer, string name)
    {
        var root = Read<JsonElement>(answer);
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var inner))
        {
            root = inner;
        }

        return Read<ImmutableArray<T>>(answer with { Body = JsonSerializer.SerializeToUtf8Bytes(root, PolicyJson.Options) });
    }

    private async Task<PolicyAnswer> SendOnceAsync(PolicyRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, _origin + request.Path);
        if (Options.ApiKey is { } key)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (request.IfNoneMatch is { } tag)
        {
            message.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }

        if (request.IdempotencyKey is { } id)
        {
            message.Headers.TryAddWithoutValidation("Idempotency-Key", id);
        }

        var wait = request.Method == HttpMethod.Get ? TimeSpan.Zero : Options.AdmissionWait ?? TimeSpan.Zero;
        if (wait >= TimeSpan.FromSeconds(1))
        {
            message.Headers.TryAddWithoutValidation("Prefer", string.Create(CultureInfo.InvariantCulture, $"wait={(int)wait.TotalSeconds}"));
        }

        if (request.Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.ContentType);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter((request.Timeout ?? Options.Timeout) + wait);
        var sentAt = Options.TimeProvider.GetTimestamp();
        try
        {
            using var response = await _transport.SendAsync(message, limit.Token);
            var bytes = await BoundedBody.ReadAsync(response.Content, request.MaxAnswerBytes, limit.Token);
            return Judge(request, response, bytes, sentAt);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PolicyUnreachableException($"{_origin} did not answer in time.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new PolicyUnreachableException($"{_origin} cannot be reached: {e.Message}", e);
        }
    }

    private PolicyAnswer Judge(PolicyRequest request, HttpResponseMessage response, byte[] body, long sentAt)
    {
        var status = (int)response.StatusCode;
        var retryAfter = response.Headers.RetryAfter is { } header
            ? header.Delta ?? (header.Date - Options.TimeProvider.GetUtcNow())
            : null;
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified || status == request.AlsoExpected)
        {
            return new PolicyAnswer(status, body, response.Headers.ETag?.ToString(), retryAfter, LeaseSec(response), sentAt);
        }

        if (status is >= 300 and < 400)
        {
            throw new PolicyApiException(status, "client.redirect_refused", $"{_origin} answered with a redirect; none is followed.");
        }

        throw ProblemDetails.Read(status, response.Content.Headers.ContentType?.MediaType, body, retryAfter);
    }

    private static int? LeaseSec(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Lease-Sec", out var values)
        && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : null;
}
