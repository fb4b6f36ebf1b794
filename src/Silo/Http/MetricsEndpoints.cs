using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>Numbers for Prometheus.</summary>
public static class MetricsEndpoints
{
    /// <summary>Maps them: open on loopback, for an admin's key of the installation elsewhere.</summary>
    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/metrics", WriteAsync)
            .Is(Permission.ReadMetrics, "Numbers in the Prometheus text format 0.0.4")
            .WithMetadata(new OpenOnLoopback(), new NeverLimited())
            .Produces<string>(StatusCodes.Status200OK, "text/plain");

    private static async Task<IResult> WriteAsync(PrometheusText text, StoredNumbers stored)
    {
        await stored.RefreshAsync();
        return Results.Text(text.Write(), PrometheusText.ContentType);
    }
}
