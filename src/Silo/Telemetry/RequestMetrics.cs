using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>Counts requests by route, never by path: a path is the caller's choice, and metrics must not grow with it.</summary>
public sealed class RequestMetrics(RequestDelegate next, PolicyMeter meter, TimeProvider time)
{
    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var started = time.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            var endpoint = http.GetEndpoint();
            var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "none";
            meter.Requests.Add(1, new("route", route), new("method", Method(http)), new("status", http.Response.StatusCode));
            if (endpoint?.Metadata.GetMetadata<HoldsRequests>() is null)
            {
                meter.RequestSeconds.Record(time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("route", route));
            }
        }
    }

    // Methods are the caller's choice too.
    private static string Method(HttpContext http) => http.Request.Method is "GET" or "PUT" or "POST" or "DELETE" ? http.Request.Method : "other";
}
