using System.Collections.Concurrent;
using System.Diagnostics;

namespace OrleansPolicy.Client;

/// <summary>
/// Whether an address gives a sign of life (<c>GET /healthz</c>) within a second. A silo that was killed resets its connections; one that
/// is frozen, or cut off, holds a poll as any other does, and only this tells. However many agents of a process wait for an address, it
/// is asked once at a time.
/// </summary>
internal sealed class LifeSigns(HttpClient http)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FreshFor = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, Look> _looks = new(StringComparer.Ordinal);

    /// <summary>Whatever it answers, it lives.</summary>
    public Task<bool> IsAliveAsync(string origin) =>
        _looks.AddOrUpdate(
            origin,
            static (origin, signs) => new Look(signs, origin),
            static (origin, last, signs) => last.IsOver ? new Look(signs, origin) : last,
            this).Answer;

    private async Task<bool> AskAsync(string origin)
    {
        using var limit = new CancellationTokenSource(AnswerWithin);
        try
        {
            using var answer = await http.GetAsync(new Uri(origin + "/healthz"), HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return false;
        }
    }

    private sealed class Look(LifeSigns signs, string origin)
    {
        private readonly long _beganAt = Stopwatch.GetTimestamp();
        private readonly Lazy<Task<bool>> _answer = new(() => signs.AskAsync(origin));

        public Task<bool> Answer => _answer.Value;

        public bool IsOver => Answer.IsCompleted && Stopwatch.GetElapsedTime(_beganAt) > FreshFor;
    }
}
