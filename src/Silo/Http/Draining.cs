namespace OrleansPolicy.Silo.Http;

/// <summary>
/// From the moment at which the process is told to stop until its door closes. What is held is handed back, so that its caller asks
/// another silo; every other request is answered as always, and its connection closed with the answer, so that nobody has one open
/// when the door closes.
/// </summary>
public sealed class Draining(RequestDelegate next, IHostApplicationLifetime lifetime)
{
    /// <summary>The code of a request that was handed back.</summary>
    public const string Code = "silo.stopping";

    /// <summary>The middleware.</summary>
    public Task InvokeAsync(HttpContext http)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            CloseAfter(http);
        }

        return next(http);
    }

    /// <summary>503 with <c>Retry-After: 0</c>: another silo takes it at once, and a node's lease goes on meanwhile.</summary>
    public static ProblemAnswer HandBack(HttpContext http)
    {
        CloseAfter(http);
        return new ProblemAnswer(
            [new Problem(Code, "This silo stops. Ask again at once: another one answers, or this one when it is back.")], TimeSpan.Zero, status: StatusCodes.Status503ServiceUnavailable);
    }

    // Other versions of HTTP have no such header; there the server says so itself when it stops.
    private static void CloseAfter(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (HttpProtocol.IsHttp11(http.Request.Protocol))
        {
            http.Response.Headers.Connection = "close";
        }
    }
}
