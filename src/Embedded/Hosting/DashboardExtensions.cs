using Microsoft.AspNetCore.Routing;
using Orleans.Hosting;

namespace Orleans.Dashboard;

/// <summary>Orleans' dashboard shows a cluster; one process has none to show, and whoever asks for it is told so.</summary>
public static class ServiceCollectionExtensions
{
    public static ISiloBuilder AddDashboard(this ISiloBuilder siloBuilder, Action<DashboardOptions>? configureOptions = null) => throw None();

    public static RouteGroupBuilder MapOrleansDashboard(this IEndpointRouteBuilder endpoints, string? routePrefix = null) => throw None();

    private static NotSupportedException None() => new("The embedded engine has no dashboard.");
}

/// <summary>The dashboard's options.</summary>
public sealed class DashboardOptions;
