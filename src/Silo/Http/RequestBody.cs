using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Metadata;

namespace OrleansPolicy.Silo.Http;

/// <summary>How many bytes of body a call takes; more is 413 with <paramref name="Code"/>.</summary>
public sealed record BodyLimit(long MaxBytes, string Code = "request.too_large")
{
    /// <summary>For a call that says nothing else.</summary>
    public static BodyLimit Default { get; } = new(64 * 1024);
}

/// <summary>Reads bodies once, within their limit, and as JSON with the problems that a client can act on.</summary>
public static class RequestBody
{
    private static readonly object BodyKey = new();

    private static readonly JsonDocumentOptions DocumentOptions = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>The whole body; the second call gives the first one's bytes. Fails with the limit's code and <c>request.media_type</c>.</summary>
    public static async ValueTask<Outcome<ReadOnlyMemory<byte>>> ReadBytesAsync(this HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Items.TryGetValue(BodyKey, out var known))
        {
            return (Outcome<ReadOnlyMemory<byte>>)known!;
        }

        var read = await ReadAsync(http);
        http.Items[BodyKey] = read;
        return read;
    }

    /// <summary>The body as any JSON. Fails with <c>json.malformed</c>, <c>json.duplicate_key</c>, <c>json.surrogate</c>, <c>json.missing</c> besides.</summary>
    public static async ValueTask<Outcome<JsonElement>> ReadJsonAsync(this HttpContext http)
    {
        var bytes = await http.ReadBytesAsync();
        return bytes.Succeeded ? ParseJson(bytes.Value) : bytes.As<JsonElement>();
    }

    /// <summary>
    /// The same in rented memory, for a call that is done with the JSON when it answers: it disposes of it. For the calls that come
    /// thousands of times a second.
    /// </summary>
    public static async ValueTask<Outcome<RentedJson>> RentJsonAsync(this HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Request.Headers.ContainsKey(OperationFilter.Header))
        {
            // The body was read and is kept.
            var bytes = await http.ReadBytesAsync();
            return bytes.Succeeded ? Parse(bytes.Value, static text => new RentedJson(JsonDocument.Parse(text, DocumentOptions), [])) : bytes.As<RentedJson>();
        }

        var limit = LimitOf(http);
        if (RefuseUnread(http, limit) is { } refusal)
        {
            return refusal.As<RentedJson>();
        }

        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(http.RequestAborted);
            if (read.Buffer.Length > limit.MaxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return TooLarge(limit).As<RentedJson>();
            }

            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            var length = (int)read.Buffer.Length;
            var rented = ArrayPool<byte>.Shared.Rent(length);
            read.Buffer.CopyTo(rented);
            reader.AdvanceTo(read.Buffer.End);
            var json = Parse(rented.AsMemory(0, length), text => new RentedJson(JsonDocument.Parse(text, DocumentOptions), rented));
            if (!json.Succeeded)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            return json;
        }
    }

    /// <summary>The body as a record. Fails with <c>request.invalid</c> besides. No body at all reads as <c>{}</c> where <paramref name="optional"/>.</summary>
    public static async ValueTask<Outcome<T>> ReadAsync<T>(this HttpContext http, bool optional = false)
        where T : class
    {
        var bytes = await http.ReadBytesAsync();
        if (!bytes.Succeeded)
        {
            return bytes.As<T>();
        }

        var json = optional && bytes.Value.IsEmpty ? ParseJson("{}"u8.ToArray()) : ParseJson(bytes.Value);
        return json.Succeeded ? Bind<T>(json.Value) : json.As<T>();
    }

    /// <summary>JSON as a record.</summary>
    public static Outcome<T> Bind<T>(JsonElement json)
        where T : class
    {
        try
        {
            return json.Deserialize<T>(PolicyJson.Options) is { } value
                ? Outcome<T>.Ok(value)
                : Outcome<T>.Fail("request.invalid", "The body must not be null.");
        }
        catch (JsonException exception)
        {
            return Outcome<T>.Fail("request.invalid", PolicyJson.Describe(exception), exception.Path ?? "$");
        }
        catch (Exception exception) when (exception is FormatException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            return Outcome<T>.Fail("request.invalid", "A value is not of the form that is expected.");
        }
    }

    /// <summary>A JSON text; null where it is none that can be read: it has half a surrogate pair.</summary>
    internal static string? ReadText(this JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static Outcome<JsonElement> ParseJson(ReadOnlyMemory<byte> bytes) => Parse(bytes, static text => JsonElement.Parse(text.Span, DocumentOptions));

    private static Outcome<T> Parse<T>(ReadOnlyMemory<byte> bytes, Func<ReadOnlyMemory<byte>, T> parse)
    {
        if (bytes.IsEmpty)
        {
            return Outcome<T>.Fail("json.missing", "The call needs a JSON body.");
        }

        if (!Utf8.IsValid(bytes.Span))
        {
            return Outcome<T>.Fail("json.malformed", "The body is not valid UTF-8.");
        }

        try
        {
            return Outcome<T>.Ok(parse(bytes));
        }
        catch (InvalidOperationException)
        {
            // Names are unescaped to be compared; the text is UTF-8, so that only an escape can be at fault.
            return Outcome<T>.Fail("json.surrogate", "A name has one half of a surrogate pair without the other.");
        }
        catch (JsonException exception)
        {
            var where = exception.LineNumber is { } line ? $" Line {line + 1}, byte {exception.BytePositionInLine + 1}." : "";
            return IsDuplicate(bytes)
                ? Outcome<T>.Fail("json.duplicate_key", "A JSON object repeats a key." + where)
                : Outcome<T>.Fail("json.malformed", "The body is no JSON of at most 64 levels." + where);
        }
    }

    // What parses once repeated keys are allowed was refused for them alone.
    private static bool IsDuplicate(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes, DocumentOptions with { AllowDuplicateProperties = true });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static async ValueTask<Outcome<ReadOnlyMemory<byte>>> ReadAsync(HttpContext http)
    {
        var request = http.Request;
        var limit = LimitOf(http);
        if (RefuseUnread(http, limit) is { } refusal)
        {
            return refusal;
        }

        var buffer = new ArrayBufferWriter<byte>((int)Math.Max(request.ContentLength ?? 4096, 1));
        while (true)
        {
            var count = await request.Body.ReadAsync(buffer.GetMemory(4096), http.RequestAborted);
            if (count == 0)
            {
                return Outcome<ReadOnlyMemory<byte>>.Ok(buffer.WrittenMemory);
            }

            buffer.Advance(count);
            if (buffer.WrittenCount > limit.MaxBytes)
            {
                return TooLarge(limit);
            }
        }
    }

    private static BodyLimit LimitOf(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<BodyLimit>() ?? BodyLimit.Default;

    // What the headers alone show.
    private static Outcome<ReadOnlyMemory<byte>>? RefuseUnread(HttpContext http, BodyLimit limit) =>
        http.Request.ContentLength > limit.MaxBytes ? TooLarge(limit)
        : IsJson(http.Request.ContentType) || IsTaken(http, http.Request.ContentType!) ? null
        : Outcome<ReadOnlyMemory<byte>>.Fail("request.media_type", "Send the body as application/json.");

    private static Outcome<ReadOnlyMemory<byte>> TooLarge(BodyLimit limit) =>
        Outcome<ReadOnlyMemory<byte>>.Fail(limit.Code, $"The body is larger than the {limit.MaxBytes} bytes that this call takes.");

    // What a call says it takes besides JSON.
    private static bool IsTaken(HttpContext http, string contentType) =>
        http.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Any(type => IsOfType(contentType, type)) == true;

    private static bool IsOfType(string contentType, string type) => contentType.Split(';', 2)[0].Trim().Equals(type, StringComparison.OrdinalIgnoreCase);

    // A missing type is taken for JSON: there is nothing else it could be, and the key in the header already keeps out the pages
    // of other sites.
    private static bool IsJson(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType) || contentType == "application/json")
        {
            return true;
        }

        var type = contentType.Split(';', 2)[0].Trim();
        return IsOfType(contentType, "application/json")
            || IsOfType(contentType, "application/octet-stream")
            || (type.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
    }
}
