using System.Globalization;

namespace OrleansPolicy.Silo.Http;

/// <summary>A node's directive: its bytes were made once for all nodes that hear the same. Without a body it is 304.</summary>
internal sealed class DirectiveAnswer(string etag, ReadOnlyMemory<byte>? body, int? leaseSec) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.Headers.ETag = etag;
        response.Headers.CacheControl = "no-store";
        if (leaseSec is { } lease)
        {
            response.Headers["Lease-Sec"] = lease.ToString(CultureInfo.InvariantCulture);
        }

        if (body is not { } bytes)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, httpContext.RequestAborted);
    }
}
