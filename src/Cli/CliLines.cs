using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Cli;

/// <summary>Reads decision logs of any length, line by line.</summary>
internal static class CliLines
{
    /// <summary>Every line that is not empty, read as a record or with what is wrong with it. <c>-</c> is standard input.</summary>
    public static async IAsyncEnumerable<Outcome<DecisionRecord>> ReadRecordsAsync(
        string path, CliHost host, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream stream = path == "-" ? new MemoryStream(await CliFiles.ReadAsync(path, host, cancellationToken)) : Open(path);
        var reader = PipeReader.Create(stream);
        var isCut = false; // The beginning of this line was too long and is gone.
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                if (isCut || !IsBlank(line))
                {
                    yield return isCut ? TooLong() : DecisionRecord.Read(line.ToArray());
                }

                isCut = false;
            }

            if (buffer.Length > DecisionRecord.LineBytesMax)
            {
                buffer = buffer.Slice(buffer.End);
                isCut = true;
            }

            if (read.IsCompleted)
            {
                if (isCut || !IsBlank(buffer))
                {
                    yield return isCut ? TooLong() : DecisionRecord.Read(buffer.ToArray());
                }

                yield break;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static Outcome<DecisionRecord> TooLong() => DecisionRecord.Read(new byte[DecisionRecord.LineBytesMax + 1]);

    private static bool IsBlank(ReadOnlySequence<byte> line) => line.Length == 0 || (line.Length == 1 && line.FirstSpan[0] == '\r');

    private static FileStream Open(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.File($"{path} cannot be read: {e.Message}");
        }
    }
}
