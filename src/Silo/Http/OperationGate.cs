using System.Security.Cryptography;
using System.Text;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// Lets a request with an operation's id through once: the same request is answered as it was the first time, another one under the
/// same id is refused. Requests with the same id take turns, so that of fifty at once one acts and the others see what it did.
/// What is <see cref="AnsweredAnew"/> is let through each time.
/// </summary>
public sealed class OperationGate(OperationMemory memory, IRolloutStore store)
{
    /// <summary>The code for an id that was used for another request.</summary>
    public const string ReusedCode = "operation.reused";

    /// <summary>Its sentence.</summary>
    public const string ReusedMessage = "The Idempotency-Key was used for another request. Use a new one for each request.";

    private const int IdLengthMax = 128;

    /// <summary>Runs the rest of the request, or answers in its place.</summary>
    public async ValueTask<object?> RunAsync(HttpContext http, string id, Func<ValueTask<object?>> next)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(id);
        ArgumentNullException.ThrowIfNull(next);
        if (id.Length is < 1 or > IdLengthMax || id.Any(letter => letter is < '!' or > '~'))
        {
            return new ProblemAnswer("operation.id_invalid", $"An Idempotency-Key has 1 to {IdLengthMax} visible ASCII characters.");
        }

        var body = await http.ReadBytesAsync();
        if (!body.Succeeded)
        {
            return body.Refusal();
        }

        var keyId = http.ApiCaller().Key.KeyId;
        using var turn = await memory.EnterAsync(keyId, id, http.RequestAborted);
        return await RunAsync(http, new Operation(keyId, id, Hash(http.Request, body.Value.Span), Stored: null), next);
    }

    private async ValueTask<object?> RunAsync(HttpContext http, Operation operation, Func<ValueTask<object?>> next)
    {
        var remembered = memory.Find(operation.KeyId, operation.Id);
        if (remembered is not null && remembered.RequestHash != operation.RequestHash)
        {
            return new ProblemAnswer(ReusedCode, ReusedMessage);
        }

        if (remembered?.Answer is { } answer)
        {
            return answer;
        }

        var endpoint = http.GetEndpoint()?.Metadata;
        var isAnsweredAnew = endpoint?.GetMetadata<AnsweredAnew>() is not null;
        var stored = isAnsweredAnew || endpoint?.GetMetadata<FindsRepeats>() is not null
            ? null
            : await store.ReadOperationAsync(operation.KeyId, operation.Id, http.RequestAborted);
        if (stored is not null && stored.BodyHash != operation.RequestHash)
        {
            return new ProblemAnswer(ReusedCode, ReusedMessage);
        }

        http.Features.Set(operation with { Stored = stored });
        var result = await next();
        if (remembered is not null || result is not JsonAnswer { Status: < StatusCodes.Status300MultipleChoices } success)
        {
            return result;
        }

        var written = isAnsweredAnew ? null : success.Write();
        memory.Remember(operation.KeyId, operation.Id, operation.RequestHash, written);
        return written ?? result;
    }

    private static string Hash(HttpRequest request, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n"));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
