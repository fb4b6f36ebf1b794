using System.Collections.Immutable;
using System.Text.Json;

namespace OrleansPolicy.Client;

/// <summary>RFC 9457 problem details as the API writes them, turned into an exception; other bodies give a code made of the status.</summary>
internal static class ProblemDetails
{
    public static PolicyApiException Read(int status, string? mediaType, byte[] body, TimeSpan? retryAfter)
    {
        if (mediaType is "application/problem+json" or "application/json")
        {
            try
            {
                var details = JsonSerializer.Deserialize<Details>(body, PolicyJson.Options);
                if (details is not null)
                {
                    var message = details.Detail ?? details.Title ?? $"The server answered {status}.";
                    return new PolicyApiException(status, details.Code ?? $"http.{status}", message, details.Errors ?? [], retryAfter);
                }
            }
            catch (JsonException)
            {
                // A proxy's page, say: the status is all there is to tell.
            }
        }

        return new PolicyApiException(status, $"http.{status}", $"The server answered {status}.", [], retryAfter);
    }

    private sealed record Details(string? Title, string? Detail, string? Code, ImmutableArray<Problem>? Errors);
}
