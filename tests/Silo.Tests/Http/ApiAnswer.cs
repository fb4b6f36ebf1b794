using System.Text.Json;

namespace OrleansPolicy.Silo.Tests.Http;

/// <summary>An answer, read whole.</summary>
public sealed class ApiAnswer(int status, string? contentType, byte[] body, IReadOnlyDictionary<string, string> headers)
{
    public int Status => status;

    public string? ContentType => contentType;

    public byte[] Body => body;

    public IReadOnlyDictionary<string, string> Headers => headers;

    public string Text => System.Text.Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The code of a problem.</summary>
    public string Code => Json.GetProperty("code").GetString()!;

    public string[] ErrorCodes => [.. Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("code").GetString()!)];

    public JsonElement this[string member] => Json.GetProperty(member);

    public static async Task<ApiAnswer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        response.Content.Headers.ContentType?.MediaType,
        await response.Content.ReadAsByteArrayAsync(),
        response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase));

    public override string ToString() => $"{Status} {(Text.Length > 2000 ? Text[..2000] : Text)}";

    /// <summary>Itself; fails the test with the whole answer where the status is another.</summary>
    public ApiAnswer Expect(int wanted)
    {
        Assert.True(Status == wanted, $"Expected {wanted}, got {this}");
        return this;
    }

    /// <summary>A problem of RFC 9457 with this status and code.</summary>
    public ApiAnswer ExpectProblem(int wanted, string code)
    {
        Expect(wanted);
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal(code, Code);
        Assert.Equal(wanted, this["status"].GetInt32());
        Assert.NotEmpty(this["title"].GetString()!);
        Assert.NotEmpty(this["detail"].GetString()!);
        Assert.EndsWith(code, this["type"].GetString(), StringComparison.Ordinal);
        return this;
    }
}
