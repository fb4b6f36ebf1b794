using OrleansPolicy.Admission;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Takes one admission; a refusal is an answer and no exception.</summary>
    /// <param name="operationId">Asking twice under one id takes one admission.</param>
    /// <param name="fleet">The fleet that it is for, where that has a limit of its own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<AdmissionTaken> TakeAdmissionAsync(string operationId, string? fleet = null, CancellationToken cancellationToken = default)
    {
        var answer = await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + "/admission")
            {
                Body = Json(new AdmissionBody(operationId, fleet)),
                IdempotencyKey = operationId,
                AlsoExpected = "admission.refused",
            },
            cancellationToken);
        return new AdmissionTaken(Read<AdmissionAnswer>(answer), answer.RetryAfter);
    }

    /// <summary>What would be answered now, taking nothing.</summary>
    public Task<AdmissionAnswer> PeekAdmissionAsync(string? fleet = null, CancellationToken cancellationToken = default) =>
        GetAsync<AdmissionAnswer>(fleet is null ? "/admission" : "/admission?fleet=" + Segment(fleet), cancellationToken);

    /// <summary>The limits in force.</summary>
    public Task<UpdateLimits> ReadAdmissionLimitsAsync(CancellationToken cancellationToken = default) =>
        GetAsync<UpdateLimits>("/admission/config", cancellationToken);

    /// <summary>Changes the limits at run time, all of them.</summary>
    public Task<AdmissionAnswer> ConfigureAdmissionAsync(
        UpdateLimits limits, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<UpdateLimits, AdmissionAnswer>(HttpMethod.Put, "/admission/config", limits, idempotencyKey, cancellationToken);

    private sealed record AdmissionBody(string OperationId, string? Fleet);
}

/// <summary>The limiter's answer.</summary>
/// <param name="Answer">Whether it was allowed, and the numbers.</param>
/// <param name="RetryAfter">On a refusal, when to come back.</param>
public sealed record AdmissionTaken(AdmissionAnswer Answer, TimeSpan? RetryAfter);
