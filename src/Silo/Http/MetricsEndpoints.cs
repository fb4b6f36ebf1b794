using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>Numbers for Prometheus.</summary>
public static class MetricsEndpoints
{
    /// <summary>
    /// Maps them: open on loopback, for an admin's key of the installation elsewhere. A key that was known before the database went away
    /// is let in while it is: numbers that vanish with it could tell nobody.
    /// </summary>
    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", WriteAsync)
            .Is(Permission.ReadMetrics, "Numbers in the Prometheus text format 0.0.4")
            .WithMetadata(new OpenOnLoopback(), new OpenToLastKnown(), new NeverLimited())
            .Produces<string>(StatusCodes.Status200OK, "text/plain");

    private static async Task<IResult> WriteAsync(PrometheusText text, StoredNumbers stored, HttpContext http)
    {
        // Who was let in by what was last known has waited for the database already; who scrapes waits 10 s in all.
        if (http.Features.Get<ShownKey>() is not ShownKey.Uncertain)
        {
            await stored.RefreshAsync();
        }

        return Results.Text(text.Write(), PrometheusText.ContentType);
    }
}
