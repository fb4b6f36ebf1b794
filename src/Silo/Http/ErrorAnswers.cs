using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// What goes wrong below becomes a problem with a code, never a stack trace. Bare statuses of the framework (404, 405, 400) get their
/// body here too.
/// </summary>
public sealed partial class ErrorAnswers(RequestDelegate next, ILogger<ErrorAnswers> logger)
{
    /// <summary>The middleware.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        try
        {
            await next(http);
        }
        catch (Exception exception)
        {
            await AnswerAsync(http, exception);
            return;
        }

        if (IsBare(http.Response))
        {
            var status = http.Response.StatusCode;
            await new ProblemAnswer([ProblemStatus.ForBareStatus(status)], status: status).ExecuteAsync(http);
        }
    }

    private static bool IsBare(HttpResponse response) =>
        response is { StatusCode: >= 400, HasStarted: false, ContentLength: null } && string.IsNullOrEmpty(response.ContentType);

    private async Task AnswerAsync(HttpContext http, Exception exception)
    {
        switch (exception)
        {
            case OperationCanceledException when http.RequestAborted.IsCancellationRequested:
                // Nobody is there to read an answer; the status is for who counts.
                if (!http.Response.HasStarted)
                {
                    http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                }

                http.Abort();
                return;
            case BadHttpRequestException bad:
                await new ProblemAnswer([ProblemStatus.ForBareStatus(bad.StatusCode)], status: bad.StatusCode).ExecuteAsync(http);
                return;
            case StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException:
                LogUnavailable(exception, http.Request.Method, http.Request.Path);
                await Unavailable.Answer(http).ExecuteAsync(http);
                return;
            default:
                LogFailed(exception, http.Request.Method, http.Request.Path);
                await new ProblemAnswer([ProblemStatus.ForBareStatus(StatusCodes.Status500InternalServerError)]).ExecuteAsync(http);
                return;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path} could not be answered: the database or a grain is away.")]
    private partial void LogUnavailable(Exception exception, string method, string path);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed.")]
    private partial void LogFailed(Exception exception, string method, string path);
}
