using System.Diagnostics;
using OrleansPolicy.Decisions;

namespace OrleansPolicy.Benchmarks;

/// <summary>Asks every agent for a decision, twenty times a second, and notes who served and who refused.</summary>
internal sealed class Deciding : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    // A request that both versions of the example allow.
    private static readonly DecisionContext Request = DecisionContext.Parse("""{"subject": {"type": "guest", "status": "active"}, "request": {"method": "GET"}}"""u8);

    private readonly Agents _agents;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _refusing = new();
    private readonly long[] _refusedSince;
    private readonly Task _asking;
    private long _made;
    private long _refused;
    private long _longest;
    private volatile Round _last = new(0, 0, 0);

    public Deciding(Agents agents)
    {
        _agents = agents;
        _refusedSince = new long[agents.Nodes.Count];
        _asking = Task.Factory.StartNew(Ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Decisions that were made or refused so far.</summary>
    public long Made => Interlocked.Read(ref _made);

    /// <summary>Of these, refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>For how long one of them refused without a break, since this was asked last.</summary>
    public TimeSpan TakeLongestRefusal()
    {
        lock (_refusing)
        {
            var longest = Stopwatch.GetElapsedTime(0, _longest);
            _longest = 0;
            return longest;
        }
    }

    /// <summary>Waits until every agent serves in one round, or every agent refuses as stale. The end of that round.</summary>
    public async Task<long> UntilAllAsync(bool serve)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var round = _last;
            if (round.EndedAt > began && (serve ? round.Served : round.Stale) == _agents.Nodes.Count)
            {
                return round.EndedAt;
            }

            if (Stopwatch.GetElapsedTime(began) > Patience)
            {
                throw new InvalidOperationException($"After {Patience.TotalSeconds:0} s {round.Served} serve and {round.Stale} are stale.");
            }

            await Task.Delay(5);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _asking;
        _stopping.Dispose();
    }

    private void Ask()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var (served, stale) = (0, 0);
            for (var index = 0; index < _agents.Nodes.Count; index++)
            {
                var answer = _agents.Nodes[index].Decide("gateway.health.read", Request);
                NoteRefusal(index, answer.Served);
                served += answer.Served ? 1 : 0;
                stale += !answer.Served && answer.Decision.Reason == "decide.stale" ? 1 : 0;
            }

            Interlocked.Add(ref _made, _agents.Nodes.Count);
            Interlocked.Add(ref _refused, _agents.Nodes.Count - served);
            _last = new Round(Stopwatch.GetTimestamp(), served, stale);
            _stopping.Token.WaitHandle.WaitOne(Every);
        }
    }

    // From the first decision that was refused to the first that was not.
    private void NoteRefusal(int agent, bool served)
    {
        ref var since = ref _refusedSince[agent];
        if (served && since == 0)
        {
            return;
        }

        var now = Stopwatch.GetTimestamp();
        since = since == 0 ? now : since;
        lock (_refusing)
        {
            _longest = Math.Max(_longest, now - since);
        }

        since = served ? 0 : since;
    }

    private sealed record Round(long EndedAt, int Served, int Stale);
}
