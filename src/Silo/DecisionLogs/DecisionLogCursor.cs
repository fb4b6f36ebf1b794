using System.Globalization;

namespace OrleansPolicy.Silo.DecisionLogs;

/// <summary>A place in a log, in the order of arrival: reading goes on after it. A word of its own, so that nobody counts with it.</summary>
/// <param name="ReceivedAt">When the record there was taken.</param>
/// <param name="Seq">Which of those taken at that moment.</param>
public sealed record DecisionLogCursor(DateTimeOffset ReceivedAt, long Seq)
{
    // The last moment that a date can name.
    private static readonly long MicrosMax = (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Before everything.</summary>
    public static DecisionLogCursor Start { get; } = new(DateTimeOffset.UnixEpoch, 0);

    /// <summary>Reads what <see cref="ToString"/> wrote; null: it is none.</summary>
    public static DecisionLogCursor? Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('-') is [var micros, var seq]
            && long.TryParse(micros, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= MicrosMax
            && long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                ? new DecisionLogCursor(DateTimeOffset.UnixEpoch.AddTicks(at * TimeSpan.TicksPerMicrosecond), number)
                : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(ReceivedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}-{Seq}");
}
