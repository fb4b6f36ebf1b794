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
            .Is(Permission.Admit, "Take one admission", "admission.refused", "admission.queue_full", "operation.id_invalid", "name.invalid")
            .Takes<AdmissionRequest>()
            .Gives<AdmissionAnswer>()
            .WithMetadata(new FindsRepeats());
        routes.MapGet("/admission", PeekAsync)
            .Is(Permission.Read, "What would be answered now, without taking", "name.invalid", "admission.operation_invalid")
            .Gives<AdmissionAnswer>();
        routes.MapGet("/admission/config", ReadLimitsAsync)
            .Is(Permission.Read, "The limits in force")
            .Gives<UpdateLimits>();
        routes.MapPut("/admission/config", ConfigureAsync)
            .Is(Permission.LimitUpdates, "Change the limits at run time, all of them", "admission.limit_invalid")
            .Takes<UpdateLimits>()
            .Gives<AdmissionAnswer>();
    }

    private static async Task<IResult> AdmitAsync(string tenant, IGrainFactory grains, PolicyMeter meter, OperationGate gate, HttpContext http)
    {
        var request = await http.ReadAsync<AdmissionRequest>(optional: true);
        if (!request.Succeeded)
        {
            return request.Refusal();
        }

        var (id, fleet) = request.Value;
        if (fleet is not null && Names.Check(fleet, "A fleet's name", "$.fleet") is { } badName)
        {
            return new ProblemAnswer([badName]);
        }

        // The operation's id may come in the body too; in the header it has gone through the gate already.
        return id is not null && http.Features.Get<Operation>() is null
            ? (IResult)(await gate.RunAsync(http, id, async () => await TakeAsync(tenant, fleet, grains, meter, http)))!
            : await TakeAsync(tenant, fleet, grains, meter, http);
    }

    private static async Task<IResult> TakeAsync(string tenant, string? fleet, IGrainFactory grains, PolicyMeter meter, HttpContext http)
    {
        var demand = DemandOf(http, AdmissionDemand.Admission, fleet);
        var taken = await http.OnceAsync(caller => grains.Limiter(tenant).TakeAsync(demand, caller));
        if (!taken.Succeeded)
        {
            return await taken.RefusalAsync(http, tenant, grains, AdmissionDemand.Admission, fleet);
        }

        meter.Admissions.Add(1, new("tenant", tenant), new("result", taken.Value.Allowed ? "allowed" : "refused"));
        return AdmissionAnswers.Show(taken.Value);
    }

    private static async Task<IResult> PeekAsync(
        string tenant, IGrainFactory grains, HttpContext http, string? fleet = null, string operation = AdmissionDemand.Admission)
    {
        if (RequestRules.Collect(
            fleet is null ? null : Names.Check(fleet, "A fleet's name", "$.fleet"),
            AdmissionDemand.Operations.Contains(operation) ? null : new Problem("admission.operation_invalid", $"These take an admission: {string.Join(", ", AdmissionDemand.Operations)}.", "$.operation")) is { } refusal)
        {
            return refusal;
        }

        var state = await grains.Limiter(tenant).PeekAsync(DemandOf(http, operation, fleet));
        return state.Succeeded ? AdmissionAnswers.ShowState(state.Value) : state.Refusal();
    }

    private static async Task<IResult> ReadLimitsAsync(string tenant, IGrainFactory grains) => (await grains.Limiter(tenant).ReadLimitsAsync()).Answer();

    private static async Task<IResult> ConfigureAsync(string tenant, IGrainFactory grains, HttpContext http)
    {
        var limits = await http.ReadAsync<UpdateLimits>();
        if (!limits.Succeeded)
        {
            return limits.Refusal();
        }

        // What a file said is for the reader of the file to tell.
        var wanted = limits.Value with { FileHash = null };
        var set = await http.OnceAsync(caller => grains.Limiter(tenant).ConfigureAsync(wanted, caller));
        return set.Succeeded ? await PeekAsync(tenant, grains, http) : set.Refusal();
    }

    private static AdmissionDemand DemandOf(HttpContext http, string operation, string? fleet) => new(operation, fleet, http.ApiCaller().Key.Subject);
}

/// <summary>A request for one admission.</summary>
/// <param name="OperationId">Asking twice under one id takes one admission; the same as the header <c>Idempotency-Key</c>.</param>
/// <param name="Fleet">The fleet that it is for, where that has a limit of its own.</param>
public sealed record AdmissionRequest(string? OperationId, string? Fleet);
