using System.Collections.Immutable;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Runs;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Runs as evidence: what ran, under exactly which policy.</summary>
public static class RunEndpoints
{
    private const int ListMax = 1_000;

    /// <summary>Maps them.</summary>
    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/runs", RecordAsync)
            .Is(Permission.RecordRuns, "Record a run with the policy and the tags in force; once, takes no admission", "run.id_invalid", "run.hash_invalid", "run.invalid", "run.exists", "bundle.unknown", "fleet.unknown", "name.invalid", "ref.invalid")
            .Takes<RunRequest>()
            .Gives<RunRecord>(StatusCodes.Status201Created)
            .Gives<RunRecord>();
        routes.MapGet("/runs", ListAsync)
            .Is(Permission.Read, "The runs, newest first; with policy_hash those under one policy", "request.limit")
            .Gives<RunList>();
        routes.MapGet("/runs/{run}", GetAsync)
            .Is(Permission.Read, "One run", "run.unknown")
            .Gives<RunRecord>();
    }

    private static async Task<IResult> RecordAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var request = await http.ReadAsync<RunRequest>();
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var recorded = await http.OnceAsync(caller => grains.Catalog(tenant).RecordRunAsync(request.Value, caller));
        return recorded.Succeeded
            ? new JsonAnswer(
                recorded.Value.Run,
                recorded.Value.Existed ? StatusCodes.Status200OK : StatusCodes.Status201Created,
                ("Location", $"/v1/{tenant}/runs/{recorded.Value.Run.RunId}"))
            : recorded.Refusal();
    }

    private static async Task<IResult> ListAsync(
        string tenant, ICatalogStore catalog, HttpContext http, [Microsoft.AspNetCore.Mvc.FromQuery(Name = "policy_hash")] string? policyHash = null, int limit = 100) =>
        RequestRules.CheckLimit(limit, ListMax) is { } problem
            ? new ProblemAnswer([problem])
            : Answers.Ok(new RunList(await catalog.ListRunsAsync(tenant, policyHash, limit, http.RequestAborted)));

    private static async Task<IResult> GetAsync(string tenant, string run, ICatalogStore catalog, HttpContext http) =>
        await catalog.FindRunAsync(tenant, run, http.RequestAborted) is { } found
            ? Answers.Ok(found.Record)
            : new ProblemAnswer("run.unknown", "There is no such run.");
}

/// <summary>Runs, newest first.</summary>
public sealed record RunList(ImmutableArray<RunRecord> Runs);
