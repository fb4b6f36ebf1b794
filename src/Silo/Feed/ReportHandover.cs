using System.Collections.Immutable;
using OrleansPolicy.Abstractions;

namespace OrleansPolicy.Silo.Feed;

/// <summary>
/// Hands a fleet what its nodes said: one call for all words of 100 ms, never one for each node. One at a time; what cannot be handed
/// over is kept and goes with the next, so that no sample is lost to a short outage.
/// </summary>
internal sealed class ReportHandover(FleetFeed feed, FeedEnvironment environment)
{
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly WordBox _words = new();
    private TaskCompletionSource _delivered = NewSignal();
    private int _running;

    /// <summary>Adds a word; the answer ends once the fleet has heard it.</summary>
    public Task AddAsync(HeardNode word)
    {
        Task delivered;
        lock (_gate)
        {
            _words.Add(word);
            delivered = _delivered.Task;
        }

        if (Interlocked.Exchange(ref _running, 1) == 0)
        {
            _ = RunAsync();
        }

        return delivered;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        var pause = GatherTime;
        var delivered = new List<TaskCompletionSource>();
        while (true)
        {
            await Task.Delay(pause, environment.Clock);
            ImmutableArray<HeardNode> words;
            lock (_gate)
            {
                words = _words.Take();
                if (!words.IsEmpty)
                {
                    delivered.Add(_delivered);
                    _delivered = NewSignal();
                }
            }

            if (words.IsEmpty)
            {
                Volatile.Write(ref _running, 0);
                if (_words.IsEmpty || Interlocked.Exchange(ref _running, 1) != 0)
                {
                    return;
                }

                continue;
            }

            if (await HandOverAsync(words))
            {
                delivered.ForEach(signal => signal.TrySetResult());
                delivered.Clear();
                pause = GatherTime;
            }
            else
            {
                _words.Return(words);
                pause = RetryTime;
            }
        }
    }

    private async Task<bool> HandOverAsync(ImmutableArray<HeardNode> words)
    {
        try
        {
            return await feed.HandOverAsync(words);
        }
#pragma warning disable CA1031 // Whatever happened to the call, the words are still true and are handed over again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            environment.Logger.LogInformation(exception, "The fleet {Fleet} did not take its nodes' words; trying again.", feed.Fleet);
            return false;
        }
    }
}
