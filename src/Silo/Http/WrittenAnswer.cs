namespace OrleansPolicy.Silo.Http;

/// <summary>A success whose JSON is made, so that it can be given twice and its size is known.</summary>
/// <param name="Body">The JSON in UTF-8.</param>
/// <param name="Status">The status.</param>
/// <param name="Headers">Further headers.</param>
public sealed record WrittenAnswer(ReadOnlyMemory<byte> Body, int Status, params (string Name, string Value)[] Headers) : IResult
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

        response.ContentLength = Body.Length;
        await response.Body.WriteAsync(Body, httpContext.RequestAborted);
    }
}
