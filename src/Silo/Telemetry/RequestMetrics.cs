using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using OrleansPolicy.Silo.Http;

namespace OrleansPolicy.Silo.Telemetry;

/// <summary>Counts requests by route, never by path: a path is the caller's choice, and metrics must not grow with it. Names their spans so too.</summary>
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
            // Routing is inside of this: the endpoint is known by now.
            var endpoint = http.GetEndpoint();
            var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "none";
            meter.Requests.Add(1, new("route", route), new("method", Method(http)), new("status", http.Response.StatusCode));
            if (endpoint?.Metadata.GetMetadata<HoldsRequests>() is null)
            {
                meter.RequestSeconds.Record(time.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("route", route));
            }

            // There only where somebody traces.
            if (http.Features.Get<IHttpActivityFeature>() is { Activity: { IsAllDataRequested: true } span })
            {
                Describe(span, http, route);
            }
        }
    }

    // By the names that OpenTelemetry gave them; ASP.NET Core leaves it to others.
    private static void Describe(Activity span, HttpContext http, string route)
    {
        span.DisplayName = $"{Method(http)} {route}";
        span.SetTag("http.route", route).SetTag("http.request.method", Method(http)).SetTag("http.response.status_code", http.Response.StatusCode);
        if (http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    // Methods are the caller's choice too.
    private static string Method(HttpContext http) => http.Request.Method is "GET" or "PUT" or "POST" or "DELETE" ? http.Request.Method : "other";
}
