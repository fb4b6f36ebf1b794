using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace OrleansPolicy.Silo.Http;

/// <summary>An error answer in the form of RFC 9457, with a stable <c>code</c>, and <c>errors</c> where several things are wrong.</summary>
public sealed class ProblemAnswer : IResult
{
    private const int ErrorsMax = 1_000;
    private readonly ImmutableArray<Problem> problems;
    private readonly JsonObject? extensions;

    /// <summary>The first problem gives the answer its code.</summary>
    /// <param name="problems">At least one.</param>
    /// <param name="retryAfter">When to come back.</param>
    /// <param name="extensions">Further members of the body.</param>
    /// <param name="status">Null: by the code, <see cref="ProblemStatus"/>.</param>
    public ProblemAnswer(ImmutableArray<Problem> problems, TimeSpan? retryAfter = null, JsonObject? extensions = null, int? status = null)
    {
        this.problems = problems;
        this.extensions = extensions;
        RetryAfter = retryAfter;
        Status = status ?? ProblemStatus.Of(problems[0].Code);
    }

    /// <summary>With one problem.</summary>
    public ProblemAnswer(string code, string message, string path = "$")
        : this([new Problem(code, message, path)])
    {
    }

    /// <summary>The HTTP status.</summary>
    public int Status { get; }

    /// <summary>When to come back; sent in whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>The code of the first problem.</summary>
    public string Code => problems[0].Code;

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        var response = httpContext.Response;
        if (response.HasStarted)
        {
            // Half an answer is out: the only honest end is to cut the connection.
            httpContext.Abort();
            return;
        }

        response.StatusCode = Status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = WholeSeconds(wait);
        }

        if (Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        if (HttpMethods.IsHead(httpContext.Request.Method))
        {
            return;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(ToJson(Unavailable.Explain(httpContext, problems)), PolicyJson.Options);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }

    /// <summary>Seconds for a header: a client that waits exactly so long is never too early.</summary>
    public static string WholeSeconds(TimeSpan wait) =>
        ((long)Math.Max(0, Math.Ceiling(wait.TotalSeconds))).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private JsonObject ToJson(ImmutableArray<Problem> shown)
    {
        var first = shown[0];
        var body = new JsonObject
        {
            ["type"] = "urn:orleans-policy:problem:" + first.Code,
            ["title"] = ReasonPhrases.GetReasonPhrase(Status),
            ["status"] = Status,
            ["detail"] = first.Message,
            ["code"] = first.Code,
        };
        if (shown.Length > 1 || first.Path != "$")
        {
            body["errors"] = new JsonArray([.. shown.Take(ErrorsMax).Select(ToJson)]);
        }

        foreach (var (name, value) in extensions ?? [])
        {
            body[name] = value?.DeepClone();
        }

        return body;
    }

    private static JsonObject ToJson(Problem problem) =>
        new() { ["code"] = problem.Code, ["path"] = problem.Path, ["message"] = problem.Message };
}
