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
    /// <summary>How long an address may be silent before it is asked whether it lives, at most.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromMilliseconds(900);

    /// <summary>Between a failure and the next address, at most: those whom one silo left do not reach the next in the same moment.</summary>
    private static readonly TimeSpan NextServerPauseMax = TimeSpan.FromMilliseconds(100);

    /// <summary>The limiter's longest interval is a day, and several may wait for it; what is longer is no answer of a control plane.</summary>
    private static readonly TimeSpan RetryAfterMax = TimeSpan.FromDays(7);

    private readonly PolicyTransport _transport;
    private readonly bool _ownsTransport;
    private readonly ServerChoice _servers;
    private readonly string _tenantPath;

    /// <summary>Opens no connection yet.</summary>
    /// <exception cref="ArgumentException">The server is no http or https origin, the tenant no name.</exception>
    public PolicyClient(PolicyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (PolicyClientOptions.Check(options.Servers) is { } wrong)
        {
            throw new ArgumentException(wrong, nameof(options));
        }

        if (!Names.IsValid(options.Tenant))
        {
            throw new ArgumentException($"'{options.Tenant}' is no tenant name.", nameof(options));
        }

        Options = options;
        _servers = new ServerChoice(options.Servers, options.TimeProvider);
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

    /// <summary>The addresses as one name.</summary>
    internal string Origin => _servers.Name;

    /// <summary>Refuses whatever would leave the origin: an absolute address, <c>//host</c>, a backslash, a way up.</summary>
    internal bool IsOwnPath(string? path)
    {
        var origin = _servers.Current;
        return path is ['/', not ('/' or '\\'), ..] && !path.Contains('\\', StringComparison.Ordinal) && !path.Any(char.IsControl)
            && Uri.TryCreate(origin + path, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority) == origin
            && uri.PathAndQuery == path;
    }

    internal async Task<PolicyAnswer> SendAsync(PolicyRequest request, CancellationToken cancellationToken)
    {
        var attempts = request.IsRepeatable ? Math.Max(1, request.MaxAttempts ?? Options.MaxAttempts) : 1;
        if (attempts > 1)
        {
            attempts = Math.Max(attempts, _servers.Count);
        }

        for (var failures = 1; ; failures++)
        {
            TimeSpan? retryAfter = null;
            var origin = _servers.Current;
            try
            {
                return await (_servers.Count > 1 ? SendWatchedAsync(origin, request, cancellationToken) : SendOnceAsync(origin, request, cancellationToken));
            }
            catch (PolicyApiException e) when (e.Status >= 500)
            {
                // A refusal to decide is the same everywhere; any other may be this silo's own, or a proxy's whose silo is dead.
                if (!e.Code.StartsWith("decide.", StringComparison.Ordinal))
                {
                    _servers.Failed(origin);
                }

                // Another failure may be the request's own: it is not repeated, the next one goes elsewhere.
                if (e.Status != 503 || failures >= attempts)
                {
                    throw;
                }

                retryAfter = e.RetryAfter;
            }
            catch (PolicyUnreachableException)
            {
                _servers.Failed(origin);
                if (failures >= attempts)
                {
                    throw;
                }
            }

            var pause = failures % _servers.Count == 0
                ? Options.Backoff.After(failures / _servers.Count, retryAfter)
                : NextServerPauseMax * Random.Shared.NextDouble();
            await Task.Delay(pause, Options.TimeProvider, cancellationToken);
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

    // Where there is another address, nobody waits long for one that does not live.
    private async Task<PolicyAnswer> SendWatchedAsync(string origin, PolicyRequest request, CancellationToken cancellationToken)
    {
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answering = SendOnceAsync(origin, request, given.Token);
        try
        {
            while (await Task.WhenAny(answering, Silence(given.Token)) != answering && !cancellationToken.IsCancellationRequested)
            {
                if (!await _transport.Signs.IsAliveAsync(origin) && !answering.IsCompleted)
                {
                    await given.CancelAsync();
                    await ((Task)answering).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw new PolicyUnreachableException($"{origin} gives no sign of life.", null);
                }
            }

            return await answering;
        }
        finally
        {
            await given.CancelAsync();
        }

        Task Silence(CancellationToken ended) => Task.Delay(SilenceMax * (0.5 + (Random.Shared.NextDouble() / 2)), Options.TimeProvider, ended);
    }

    private async Task<PolicyAnswer> SendOnceAsync(string origin, PolicyRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(request.Method, origin + request.Path);
        if (Options.ApiKey is { } key)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        if (Options.Program is { } program)
        {
            message.Headers.TryAddWithoutValidation("User-Agent", program);
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
            return Judge(origin, request, response, bytes, sentAt);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PolicyUnreachableException($"{origin} did not answer in time.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw PolicyUnreachableException.Of(origin, e);
        }
    }

    private PolicyAnswer Judge(string origin, PolicyRequest request, HttpResponseMessage response, byte[] body, long sentAt)
    {
        var status = (int)response.StatusCode;
        var retryAfter = RetryAfter(response);
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotModified)
        {
            return Answer();
        }

        if (status is >= 300 and < 400)
        {
            throw new PolicyApiException(status, "client.redirect_refused", $"{origin} answered with a redirect; none is followed.");
        }

        // By its code and not by its status: the same status may come of another refusal, which has none of the answer's fields.
        var problem = ProblemDetails.Read(status, response.Content.Headers.ContentType?.MediaType, body, retryAfter);
        return problem.Code == request.AlsoExpected ? Answer() : throw problem;

        PolicyAnswer Answer() => new(status, body, response.Headers.ETag?.ToString(), retryAfter, LeaseSec(response), sentAt);
    }

    // A date may be past, or so far away that no timer takes it.
    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        return (header?.Delta ?? (header?.Date - Options.TimeProvider.GetUtcNow())) is { } asked
            ? TimeSpan.FromTicks(Math.Clamp(asked.Ticks, 0, RetryAfterMax.Ticks))
            : null;
    }

    private static int? LeaseSec(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Lease-Sec", out var values)
        && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : null;
}
