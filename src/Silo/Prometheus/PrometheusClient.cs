using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Prometheus;

/// <summary>
/// Asks the Prometheus server. It is trusted to be asked, not to answer: no redirect is followed, nobody is waited for longer than told, and of an
/// answer no more is read than one number can take.
/// </summary>
internal sealed class PrometheusClient : IDisposable
{
    /// <summary>The longest answer.</summary>
    public const int AnswerBytesMax = 64 * 1024;

    private readonly PrometheusSettings _settings;
    private readonly Uri _endpoint;
    private readonly HttpClient _http;

    /// <summary>Opens no connection yet.</summary>
    public PrometheusClient(PrometheusSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _settings = settings;
        _endpoint = new Uri(settings.Url.AbsoluteUri.TrimEnd('/') + "/api/v1/query");
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxResponseHeadersLength = AnswerBytesMax / 1024,
        })
        {
            Timeout = settings.AnswerWithin,
            MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    /// <summary>Asks once for what is true at a moment. Whatever goes wrong is an answer; throws only where <paramref name="cancellationToken"/> ends it.</summary>
    public async Task<PrometheusAnswer> AskAsync(string promql, DateTimeOffset at, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint)
            {
                Content = new FormUrlEncodedContent(
                [
                    new("query", promql), new("time", (at.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture)),
                    new("timeout", string.Create(CultureInfo.InvariantCulture, $"{_settings.AnswerWithin.TotalMilliseconds:0}ms")),
                ]),
            };
            request.Headers.Authorization = await ReadSecretAsync(cancellationToken);

            // Its body too, up to the limit, within the time.
            using var response = await _http.SendAsync(request, cancellationToken);
            return await ReadAsync(response, cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return PrometheusAnswer.None(QueryCodes.Unavailable, $"No answer within {_settings.AnswerWithin.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse)
        {
            return PrometheusAnswer.None(QueryCodes.Failed, $"The answer is longer than {AnswerBytesMax} bytes, or no HTTP.");
        }
        catch (HttpRequestException exception)
        {
            return PrometheusAnswer.None(QueryCodes.Unavailable, $"No connection, or it broke: {exception.HttpRequestError}.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return PrometheusAnswer.None(QueryCodes.Failed, $"The secret to show cannot be read: {exception.GetType().Name}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static async Task<PrometheusAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        var status = (int)response.StatusCode;
        return status switch
        {
            >= 200 and < 300 => PrometheusAnswer.Read(body),
            >= 300 and < 400 => PrometheusAnswer.None(QueryCodes.Failed, $"It answers {status}; no redirect is followed."),
            408 or 429 or >= 500 => PrometheusAnswer.None(QueryCodes.Unavailable, $"It answers {status}."),
            _ => PrometheusAnswer.None(QueryCodes.Failed, $"It answers {status}. {PrometheusAnswer.ReadError(body)}"),
        };
    }

    private async Task<AuthenticationHeaderValue?> ReadSecretAsync(CancellationToken cancellationToken)
    {
        if (_settings.BearerTokenFile is { } token)
        {
            return new AuthenticationHeaderValue("Bearer", await ReadFileAsync(token));
        }

        return _settings is { Username: { } user, PasswordFile: { } password }
            ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{await ReadFileAsync(password)}")))
            : null;

        async Task<string> ReadFileAsync(string path) => (await File.ReadAllTextAsync(path, cancellationToken)).Trim();
    }
}
