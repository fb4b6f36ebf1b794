namespace OrleansPolicy.Client;

/// <summary>Reads an answer's body into memory up to a limit: a server, or whoever poses as one, cannot fill a client's memory.</summary>
internal static class BoundedBody
{
    public static async Task<byte[]> ReadAsync(HttpContent content, int maxBytes, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength is { } announced)
        {
            if (announced > maxBytes)
            {
                throw TooLarge(maxBytes);
            }

            if (announced == 0)
            {
                return [];
            }
        }

        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        using var kept = new MemoryStream((int)(content.Headers.ContentLength ?? 0));
        var buffer = new byte[Math.Min(maxBytes, 16 * 1024)];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (kept.Length + read > maxBytes)
            {
                throw TooLarge(maxBytes);
            }

            kept.Write(buffer, 0, read);
        }

        return kept.ToArray();
    }

    private static PolicyApiException TooLarge(int maxBytes) =>
        new(0, "client.answer_too_large", $"The answer is larger than {maxBytes} bytes.");
}
