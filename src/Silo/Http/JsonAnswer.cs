using System.Text.Json;

namespace OrleansPolicy.Silo.Http;

/// <summary>A success as JSON in the one form of <see cref="PolicyJson"/>. Immutable, so that it can be given twice.</summary>
/// <param name="Value">The body.</param>
/// <param name="Status">200 unless something was created or accepted.</param>
/// <param name="Headers">Further headers.</param>
public sealed record JsonAnswer(object? Value, int Status = StatusCodes.Status200OK, params (string Name, string Value)[] Headers) : IResult
{
    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = "application/json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        foreach (var (name, value) in Headers)
        {
            response.Headers[name] = value;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(Value, Value?.GetType() ?? typeof(object), PolicyJson.Options);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }
}
