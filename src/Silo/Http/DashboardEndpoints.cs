using Orleans.Dashboard;
using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Orleans' own dashboard: silos, grains, their calls. It reads and changes nothing.</summary>
internal static class DashboardEndpoints
{
    /// <summary>Where it is.</summary>
    public const string Path = "/dashboard";

    /// <summary>Maps it where it is switched on, for admins of the installation: it shows every tenant's grains.</summary>
    public static void MapDashboard(this IEndpointRouteBuilder routes, SiloSettings settings)
    {
        if (settings.Dashboard)
        {
            routes.MapOrleansDashboard(Path)
                .AddEndpointFilter(EndWithTheKeyAsync)
                .WithMetadata(new Demands(Permission.ReadMetrics), new ShownInBrowser(), new NeverLimited())
                .ExcludeFromDescription();
        }
    }

    // Its stream of logs is open for as long as somebody looks.
    private static async ValueTask<object?> EndWithTheKeyAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var ending = context.HttpContext.ApiCaller().Ended.Register(context.HttpContext.Abort);
        return await next(context);
    }
}
