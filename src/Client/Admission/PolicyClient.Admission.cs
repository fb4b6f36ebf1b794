using OrleansPolicy.Admission;

namespace OrleansPolicy.Client;

public sealed partial class PolicyClient
{
    /// <summary>Takes one admission; a refusal is an answer and no exception.</summary>
    public async Task<AdmissionTaken> TakeAdmissionAsync(string operationId, CancellationToken cancellationToken = default)
    {
        var answer = await SendAsync(
            new PolicyRequest(HttpMethod.Post, _tenantPath + "/admission")
            {
                Body = Json(new AdmissionBody(operationId)),
                IdempotencyKey = operationId,
                AlsoExpected = 429,
            },
            cancellationToken);
        return new AdmissionTaken(Read<AdmissionAnswer>(answer), answer.RetryAfter);
    }

    /// <summary>The same without taking.</summary>
    public Task<AdmissionAnswer> PeekAdmissionAsync(CancellationToken cancellationToken = default) =>
        GetAsync<AdmissionAnswer>("/admission", cancellationToken);

    /// <summary>Changes the limit at run time.</summary>
    public Task<AdmissionAnswer> ConfigureAdmissionAsync(
        UpdateLimit limit, string? idempotencyKey = null, CancellationToken cancellationToken = default) =>
        SendJsonAsync<UpdateLimit, AdmissionAnswer>(HttpMethod.Put, "/admission/config", limit, idempotencyKey, cancellationToken);

    private sealed record AdmissionBody(string OperationId);
}

/// <summary>The limiter's answer.</summary>
/// <param name="Answer">Whether it was allowed, and the numbers.</param>
/// <param name="RetryAfter">On a refusal, when to come back.</param>
public sealed record AdmissionTaken(AdmissionAnswer Answer, TimeSpan? RetryAfter);
