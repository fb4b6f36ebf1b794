using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Telemetry;

namespace OrleansPolicy.Silo.Http;

/// <summary>The admission limiter: how often a tenant may update its policy.</summary>
public static class AdmissionEndpoints
{
    /// <summary>Maps them.</summary>
    public static void MapAdmission(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/admission", AdmitAsync)
            .Is(Permission.Admit, "Take one admission", "admission.refused", "operation.id_invalid")
            .Takes<AdmissionRequest>()
            .Gives<AdmissionAnswer>();
        routes.MapGet("/admission", PeekAsync)
            .Is(Permission.Read, "The limiter's state, without taking")
            .Gives<AdmissionAnswer>();
        routes.MapPut("/admission/config", ConfigureAsync)
            .Is(Permission.LimitUpdates, "Change the limit at run time", "admission.limit_invalid")
            .Takes<UpdateLimit>()
            .Gives<AdmissionAnswer>();
    }

    private static async Task<IResult> AdmitAsync(string tenant, IGrainFactory grains, PolicyMeter meter, OperationGate gate, HttpContext http)
    {
        var request = await http.ReadAsync<AdmissionRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        // The operation's id may come in the body too; in the header it has gone through the gate already.
        return request.Value.OperationId is { } id && http.Features.Get<Operation>() is null
            ? (IResult)(await gate.RunAsync(http, id, async () => await TakeAsync(tenant, grains, meter, http)))!
            : await TakeAsync(tenant, grains, meter, http);
    }

    private static async Task<IResult> TakeAsync(string tenant, IGrainFactory grains, PolicyMeter meter, HttpContext http)
    {
        var taken = await http.OnceAsync(caller => grains.GetGrain<IRateLimiterGrain>(tenant).TakeAsync(caller));
        if (taken.Succeeded)
        {
            meter.Admissions.Add(1, new("tenant", tenant), new("result", taken.Value.Allowed ? "allowed" : "refused"));
        }

        return taken.Succeeded ? AdmissionAnswers.Show(taken.Value) : taken.Refusal();
    }

    private static async Task<IResult> PeekAsync(string tenant, IGrainFactory grains)
    {
        var state = await grains.GetGrain<IRateLimiterGrain>(tenant).PeekAsync();
        return state.Succeeded ? AdmissionAnswers.ShowState(state.Value) : state.Refusal();
    }

    private static async Task<IResult> ConfigureAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var limit = await http.ReadAsync<UpdateLimit>();
        if (!limit.Succeeded)
        {
            return limit.Refusal();
        }

        var state = await http.OnceAsync(caller => grains.GetGrain<IRateLimiterGrain>(tenant).ConfigureAsync(limit.Value, caller));
        return state.Succeeded ? AdmissionAnswers.ShowState(state.Value) : state.Refusal();
    }
}

/// <summary>A request for one admission.</summary>
/// <param name="OperationId">Asking twice under one id takes one admission; the same as the header <c>Idempotency-Key</c>.</param>
public sealed record AdmissionRequest(string? OperationId);
