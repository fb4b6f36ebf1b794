using System.Text;
using System.Text.Json;
using OrleansPolicy.Silo.DecisionLogs;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// A page of a decision log with its records as they came: as JSON <c>{records, next, more}</c>, or as lines that are a file for a replay,
/// with <c>Policy-Next</c> and <c>Policy-More</c> as headers.
/// </summary>
internal sealed record DecisionLogAnswer(DecisionLogPage Page, bool AsLines) : IResult
{
    /// <summary>The media type of JSON lines.</summary>
    public const string Lines = "application/x-ndjson";

    private static readonly byte[] LineEnd = [(byte)'\n'];

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.Headers.CacheControl = "no-store";
        response.ContentType = AsLines ? Lines : "application/json; charset=utf-8";
        if (AsLines)
        {
            response.Headers["Policy-Next"] = Page.Next.ToString();
            response.Headers["Policy-More"] = Page.More ? "true" : "false";
            foreach (var line in Page.Lines)
            {
                await response.Body.WriteAsync(Encoding.UTF8.GetBytes(line), httpContext.RequestAborted);
                await response.Body.WriteAsync(LineEnd, httpContext.RequestAborted);
            }

            return;
        }

        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("records");
        foreach (var line in Page.Lines)
        {
            // It was read as JSON before it was stored.
            json.WriteRawValue(line, skipInputValidation: true);
        }

        json.WriteEndArray();
        json.WriteString("next", Page.Next.ToString());
        json.WriteBoolean("more", Page.More);
        json.WriteEndObject();
    }
}
