using System.Globalization;
using System.Text;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>A stream of events (WHATWG server-sent events). It ends with the request, with the key, and with the process.</summary>
public sealed class ServerSentEvents(Func<ServerSentEvents.Stream, CancellationToken, Task> follow, IDisposable? place = null) : IResult
{
    /// <summary>Whether the request asks for a stream.</summary>
    public static bool AreWanted(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Headers.Accept.Any(value => value?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) == true);
    }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        using var held = place;
        var response = httpContext.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        using var ended = httpContext.EndOfPolls();
        var meter = httpContext.RequestServices.GetRequiredService<PolicyMeter>();
        meter.Polls.Add(1);
        try
        {
            await response.StartAsync(ended.Token);
            await follow(new Stream(response), ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The reader left, its key ended, or the process stops: the stream just ends.
        }
        finally
        {
            meter.Polls.Add(-1);
        }
    }

    /// <summary>Writes events.</summary>
    public sealed class Stream(HttpResponse response)
    {
        /// <summary>One event; its data is one line of JSON.</summary>
        public async Task SendAsync(string name, ReadOnlyMemory<byte> json, long? id, CancellationToken cancellationToken)
        {
            var head = id is { } number ? $"id: {number.ToString(CultureInfo.InvariantCulture)}\nevent: {name}\ndata: " : $"event: {name}\ndata: ";
            await response.Body.WriteAsync(Encoding.UTF8.GetBytes(head), cancellationToken);
            await response.Body.WriteAsync(json, cancellationToken);
            await response.Body.WriteAsync("\n\n"u8.ToArray(), cancellationToken);
            await response.Body.FlushAsync(cancellationToken);
        }

        /// <summary>A comment, so that neither side takes silence for a broken connection.</summary>
        public async Task BeatAsync(CancellationToken cancellationToken)
        {
            await response.Body.WriteAsync(": beat\n\n"u8.ToArray(), cancellationToken);
            await response.Body.FlushAsync(cancellationToken);
        }
    }
}

/// <summary>When something that is held open must end.</summary>
internal static class OpenPolls
{
    /// <summary>Cancelled when the reader leaves, when its key is revoked or expires, and when the process stops.</summary>
    public static CancellationTokenSource EndOfPolls(this HttpContext http)
    {
        var lifetime = http.RequestServices.GetRequiredService<IHostApplicationLifetime>();
        var caller = http.ApiCaller();
        return CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, caller.Ended, lifetime.ApplicationStopping);
    }
}
