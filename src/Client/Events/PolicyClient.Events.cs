using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    private const int EventCharsMax = 1_000_000;

    // The control plane beats every ten seconds: twice that without a word is a broken connection.
    private static readonly TimeSpan EventSilenceMax = TimeSpan.FromSeconds(25);

    /// <summary>
    /// What happens in the tenant, as it happens: <c>rejection</c>, <c>rollout.*</c>, <c>rollback.*</c>, <c>arm.*</c>. Ends when the control
    /// plane ends the stream; begin again with the last <see cref="TenantEvent.Seq"/> to miss nothing that is audited.
    /// </summary>
    /// <param name="after">A place in the audit from which on to begin; null: now.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<TenantEvent> FollowEventsAsync(
        long? after = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var origin = _servers.Current;
        using var message = new HttpRequestMessage(HttpMethod.Get, $"{origin}{_tenantPath}/events{(after is { } from ? $"?after={from}" : "")}");
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (Options.ApiKey is { } key)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(EventSilenceMax);
        using var response = await OpenAsync(origin, message, silence.Token, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(silence.Token));
        var (name, seq, data) = ("message", (long?)null, "");
        while (await ReadLineAsync(origin, reader, silence, cancellationToken) is { } line)
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            var value = colon < 0 ? "" : line[(colon + 2)..];
            switch (colon < 0 ? line : line[..colon])
            {
                case "event":
                    name = value;
                    break;
                case "id":
                    seq = long.TryParse(value, out var number) ? number : null;
                    break;
                case "data":
                    data = value.Length <= EventCharsMax ? value : throw new PolicyApiException(200, "client.answer_malformed", "An event is too long.");
                    break;
                case "" when data.Length > 0:
                    yield return new TenantEvent(name, seq, ParseEvent(data));
                    (name, seq, data) = ("message", null, "");
                    break;
                default:
                    break;
            }
        }
    }

    private static JsonElement ParseEvent(string data)
    {
        try
        {
            return JsonElement.Parse(data);
        }
        catch (JsonException e)
        {
            throw new PolicyApiException(200, "client.answer_malformed", $"An event is no JSON: {e.Message}");
        }
    }

    private async Task<HttpResponseMessage> OpenAsync(string origin, HttpRequestMessage message, CancellationToken limit, CancellationToken cancellationToken)
    {
        try
        {
            var response = await _transport.SendAsync(message, limit);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                var body = await BoundedBody.ReadAsync(response.Content, DirectiveBytesMax, limit);
                Judge(origin, new PolicyRequest(HttpMethod.Get, "/events"), response, body, 0);
                throw new PolicyApiException((int)response.StatusCode, "client.answer_malformed", "The stream was not opened.");
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Lost(origin, "did not answer in time.", e);
        }
        catch (HttpRequestException e)
        {
            _servers.Failed(origin);
            throw PolicyUnreachableException.Of(origin, e);
        }
    }

    private async Task<string?> ReadLineAsync(string origin, StreamReader reader, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        silence.CancelAfter(EventSilenceMax);
        try
        {
            return await reader.ReadLineAsync(silence.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Lost(origin, "fell silent.", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            _servers.Failed(origin);
            throw PolicyUnreachableException.Of(origin, e);
        }
    }

    // Whoever follows again does so elsewhere.
    private PolicyUnreachableException Lost(string origin, string what, Exception e)
    {
        _servers.Failed(origin);
        return new PolicyUnreachableException($"{origin} {what}", e);
    }
}

/// <summary>Something that happened in a tenant.</summary>
/// <param name="Name">What: <c>rejection</c>, or the action of an audit entry.</param>
/// <param name="Seq">Its place in the audit; null: it is not audited.</param>
/// <param name="Data">The facts: of a rejection fleet, node, reason, count, both hashes and the time; else the audit entry.</param>
public sealed record TenantEvent(string Name, long? Seq, JsonElement Data);
