namespace OrleansPolicy.Client;

/// <summary>One request, before it has an origin and a key.</summary>
internal sealed record PolicyRequest(HttpMethod Method, string Path)
{
    /// <summary>Bounds the memory that an answer can take.</summary>
    public const int AnswerBytesMax = 64 * 1024 * 1024;

    public ReadOnlyMemory<byte>? Body { get; init; }

    public string ContentType { get; init; } = "application/json";

    public string? IdempotencyKey { get; init; }

    public string? IfNoneMatch { get; init; }

    /// <summary>Overrides the client's own.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Overrides the client's own.</summary>
    public int? MaxAttempts { get; init; }

    public int MaxAnswerBytes { get; init; } = AnswerBytesMax;

    /// <summary>The code of a problem that is an answer here and no failure.</summary>
    public string? AlsoExpected { get; init; }

    /// <summary>Whether doing it twice does no more than doing it once.</summary>
    public bool IsRepeatable => Method == HttpMethod.Get || Method == HttpMethod.Delete || Method == HttpMethod.Put || IdempotencyKey is not null;
}

/// <summary>One answer. <paramref name="SentAt"/> is the monotonic time stamp from just before the request left.</summary>
internal sealed record PolicyAnswer(int Status, byte[] Body, string? ETag, TimeSpan? RetryAfter, int? LeaseSec, long SentAt);
