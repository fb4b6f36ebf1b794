using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Grains;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>Validation of plans: every error at once, whatever the JSON is.</summary>
public static class PlanEndpoints
{
    private static readonly BodyLimit PlanLimit = new(1024 * 1024);
    private static readonly string[] Wrappers = ["change_summary", "change_proposal"];

    /// <summary>Maps them.</summary>
    public static void MapPlans(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/rollouts/validate", ValidateAsync)
            .Is(Permission.Read, "Check a plan; never stores, never costs admission", "request.invalid", "fleet.unknown", Names.InvalidCode)
            .Takes<PlanRequest>(PlanLimit)
            .Gives<PlanVerdict>();

    private static async Task<IResult> ValidateAsync(
        string tenant, IGrainFactory grains, IRolloutStore store, IMetricQueries queries, [FromKeyedServices(PolicyClock.Key)] TimeProvider time,
        HttpContext http)
    {
        var body = await http.ReadJsonAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        if (body.Value.ValueKind != JsonValueKind.Object)
        {
            return new ProblemAnswer("request.invalid", "Send an object with rollout_wedge.");
        }

        var request = RequestBody.Bind<PlanRequest>(body.Value);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var census = await ReadCensusAsync(tenant, request.Value.Fleet, grains, time);
        if (!census.Succeeded)
        {
            return census.Refusal();
        }

        var (plan, path) = FindPlan(body.Value);
        var restraints = await store.ReadRestraintsAsync(tenant, http.RequestAborted);
        var reading = PlanReader.Read(plan, new PlanContext
        {
            Critical = request.Value.Critical,
            Census = census.Value.Units,
            ForStart = false,
            Queries = queries.Names,
            Restraints = restraints,
        });
        var exceeded = CapRules.Exceeded(
            restraints, restraints.Caps?.MaxConcurrentRollouts is null ? [] : await store.ListInFlightAsync(new ArmScope(tenant), http.RequestAborted));

        // That says nothing of the plan: by the time it is started there may be room.
        return Answers.Ok(PlanVerdict.Of(exceeded is null ? reading : reading with { Warnings = reading.Warnings.Add(exceeded) }, path));
    }

    private static async Task<Outcome<Census>> ReadCensusAsync(string tenant, string? fleet, IGrainFactory grains, TimeProvider time)
    {
        if (fleet is null)
        {
            return Outcome<Census>.Ok(new Census(null));
        }

        if (Names.Check(fleet, "A fleet's name", "$.fleet") is { } problem)
        {
            return Outcome<Census>.Fail([problem]);
        }

        var seen = await grains.Fleet(tenant, fleet).ObserveAsync(new FleetWatch(time.GetUtcNow(), KnownEpoch: 0), CensusSource.Known);
        return seen.Succeeded ? Outcome<Census>.Ok(new Census(seen.Value.Census)) : seen.As<Census>();
    }

    // Merge gates keep the plan inside a change_summary, older ones inside a change_proposal.
    private static (JsonElement Plan, string Path) FindPlan(JsonElement body)
    {
        if (body.TryGetProperty("rollout_wedge", out var plan))
        {
            return (plan, "$.rollout_wedge");
        }

        foreach (var wrapper in Wrappers)
        {
            if (body.TryGetProperty(wrapper, out var inner) && inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("rollout_wedge", out plan))
            {
                return (plan, $"$.{wrapper}.rollout_wedge");
            }
        }

        return (default(JsonElement).OrNull(), "$.rollout_wedge");
    }

    private sealed record Census(ImmutableArray<CensusUnit>? Units);
}

/// <summary>A plan to check, as <c>rollout_wedge</c> or inside a <c>change_summary</c> or <c>change_proposal</c>.</summary>
/// <param name="Fleet">Check it against this fleet's size too.</param>
/// <param name="Critical">Whether the bounds of critical subsystems apply.</param>
/// <param name="RolloutWedge">The plan.</param>
public sealed record PlanRequest(string? Fleet, bool Critical, JsonElement RolloutWedge);

/// <summary>What a check of a plan found.</summary>
public sealed record PlanVerdict(
    bool Valid, ImmutableArray<Problem> Errors, ImmutableArray<Problem> Warnings, double PlannedHours, double? InitialWindowHours,
    ImmutableArray<StageSize> Stages)
{
    /// <summary>Contract hours that the shadow stage adds before the first; null: there is none.</summary>
    public double? ShadowWindowHours { get; init; }

    internal static PlanVerdict Of(PlanReading reading, string path) => new(
        reading.Plan is not null && reading.Errors.IsEmpty,
        [.. reading.Errors.Select(problem => Under(problem, path))],
        [.. reading.Warnings.Select(problem => Under(problem, path))],
        reading.PlannedHours, reading.InitialWindowHours, reading.Stages)
    {
        ShadowWindowHours = reading.ShadowWindowHours,
    };

    private static Problem Under(Problem problem, string path) => problem with { Path = path + problem.Path[1..] };
}
