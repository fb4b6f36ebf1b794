using System.Text.Json;

namespace OrleansPolicy.Silo.Http;

/// <summary>A success as JSON in the one form of <see cref="PolicyJson"/>.</summary>
/// <param name="Value">The body.</param>
/// <param name="Status">200 unless something was created or accepted.</param>
/// <param name="Headers">Further headers.</param>
public sealed record JsonAnswer(object? Value, int Status = StatusCodes.Status200OK, params (string Name, string Value)[] Headers) : IResult
{
    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext) => Write().ExecuteAsync(httpContext);

    /// <summary>The same with its JSON made.</summary>
    public WrittenAnswer Write() => new(JsonSerializer.SerializeToUtf8Bytes(Value, Value?.GetType() ?? typeof(object), PolicyJson.Options), Status, Headers);
}
