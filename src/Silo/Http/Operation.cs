using System.Text.Json;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// A request under an <c>Idempotency-Key</c>. What a grain makes durable it stores together with its answer; a repetition is given
/// that answer and does nothing.
/// </summary>
/// <param name="KeyId">The API key that asked: ids of different keys have nothing to do with each other.</param>
/// <param name="Id">The idempotency key.</param>
/// <param name="RequestHash">Hex SHA-256 over method, path, query and body.</param>
/// <param name="Stored">The stored first answer, where the request was done before.</param>
public sealed record Operation(string KeyId, string Id, string RequestHash, OperationWrite? Stored);

/// <summary>Runs what a request asks for, once.</summary>
public static class Operations
{
    /// <summary>The caller of this request for a grain, with the request's operation where it has one.</summary>
    public static Caller CallerOf(this HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        var operation = http.Features.Get<Operation>();
        return new Caller(http.ApiCaller().Actor, operation?.Id, operation?.RequestHash);
    }

    /// <summary>
    /// The stored answer of the same request, else what <paramref name="act"/> gives. Where that fails, the same request may have
    /// been done meanwhile through another silo: then its answer counts, not the failure that it caused.
    /// </summary>
    public static async Task<Outcome<T>> OnceAsync<T>(this HttpContext http, Func<Caller, Task<Outcome<T>>> act)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(act);
        var operation = http.Features.Get<Operation>();
        if (operation?.Stored is { } stored)
        {
            return Replay<T>(operation, stored);
        }

        var outcome = await http.RunAsync(http.CallerOf(), act);
        if (outcome.Succeeded || operation is null)
        {
            return outcome;
        }

        var store = http.RequestServices.GetRequiredService<IRolloutStore>();
        return await store.ReadOperationAsync(operation.KeyId, operation.Id, http.RequestAborted) is { } done
            ? Replay<T>(operation, done)
            : outcome;
    }

    /// <summary>The operation as a change stores it, with the value that is answered; null where the request has none.</summary>
    public static OperationWrite? Record<T>(this HttpContext http, T value, int status)
    {
        ArgumentNullException.ThrowIfNull(http);
        return http.Features.Get<Operation>() is { } operation
            ? new OperationWrite(operation.KeyId, operation.Id, operation.RequestHash, status, JsonSerializer.Serialize(value, PolicyJson.Options))
            : null;
    }

    private static Outcome<T> Replay<T>(Operation operation, OperationWrite stored) =>
        !string.Equals(stored.BodyHash, operation.RequestHash, StringComparison.Ordinal)
            ? Outcome<T>.Fail(OperationGate.ReusedCode, OperationGate.ReusedMessage)
            : JsonSerializer.Deserialize<T>(stored.Response, PolicyJson.Options) is { } value
                ? Outcome<T>.Ok(value)
                : throw new InvalidOperationException("A stored answer is empty.");
}
