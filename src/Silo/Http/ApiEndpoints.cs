using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Every path of the API. What stands nowhere here is 404.</summary>
public static class ApiEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapApi(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        routes.MapMetrics();
        routes.MapSessions();
        routes.MapDashboard(routes.ServiceProvider.GetRequiredService<SiloSettings>());
        if (!routes.ServiceProvider.GetRequiredService<SiloSettings>().Cluster.IsJoined)
        {
            routes.MapSingleNode();
            routes.MapReloads();
        }

        routes.MapOpenApi("/openapi/v1.json").WithMetadata(new Demands(Permission.KnowTheApi));

        var api = routes.MapGroup("/v1").AddEndpointFilter<OperationFilter>();
        api.MapTenants();
        api.MapInstallationKeys();
        api.MapArmingOfAll();

        var tenant = api.MapGroup("/{tenant}");
        tenant.MapKeys();
        tenant.MapTrust();
        tenant.MapBundles();
        tenant.MapTrials();
        tenant.MapTags();
        tenant.MapCanonical();
        tenant.MapAdmission();
        tenant.MapPlans();
        tenant.MapRollouts();
        tenant.MapRolloutEvents();
        tenant.MapWaves();
        tenant.MapWaivers();
        tenant.MapLine();
        tenant.MapWindows();
        tenant.MapCaps();
        tenant.MapFleets();
        tenant.MapReturns();
        tenant.MapArming();
        tenant.MapHandshake();
        tenant.MapNodes();
        tenant.MapNodeFeed();
        tenant.MapRelays();
        tenant.MapDecisions();
        tenant.MapDecisionLogs();
        tenant.MapRuns();
        tenant.MapAudit();
        tenant.MapEvents();
        tenant.MapWebhooks();
    }
}
