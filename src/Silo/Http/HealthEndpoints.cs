using OrleansPolicy.Silo.Configuration;
using OrleansPolicy.Silo.Hosting;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.SingleNode;

namespace OrleansPolicy.Silo.Http;

/// <summary>Whether the process lives, and whether it can do its work.</summary>
public static class HealthEndpoints
{
    /// <summary>Maps them. Open to all, and telling nothing but this.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", () => Answers.Ok(new Health("ok", "orleans-policy", Usage.Version)))
            .WithMetadata(new OpenToAll(), new NeverLimited())
            .WithSummary("The process lives")
            .Gives<Health>();
        routes.MapGet("/readyz", ReadyAsync)
            .WithMetadata(new OpenToAll(), new NeverLimited())
            .WithSummary("The process can do its work: the silo runs, the database answers")
            .Gives<Readiness>()
            .Gives<Readiness>(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> ReadyAsync(ReadinessCheck check, LocalNode local)
    {
        var readiness = (await check.LookAsync()).With(local.Node?.Status);
        return new JsonAnswer(readiness, readiness.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}

/// <summary>The process lives.</summary>
public sealed record Health(string Status, string Service, string Version);
