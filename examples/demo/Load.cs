using System.Collections.Concurrent;

namespace OrleansPolicy.Demo;

/// <summary>Requests at every node, all the time: each is checked against what the version that decided it must say.</summary>
internal sealed class Load(Agents agents, TestDecisions tests) : IAsyncDisposable
{
    private const int WrongKept = 5;

    /// <summary>One request at each node in each round.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(25);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private Task _running = Task.CompletedTask;
    private long _decisions;
    private long _wrongCount;

    /// <summary>The hash of the version that the example calls v2; whatever else decides is v1.</summary>
    public string V2Hash { get; set; } = "";

    public long Decisions => Interlocked.Read(ref _decisions);

    /// <summary>Decisions that were not what the version says, or were refused.</summary>
    public long WrongCount => Interlocked.Read(ref _wrongCount);

    /// <summary>The first few of them.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    public void Start() => _running = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Round);
        var round = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                round++;
                for (var i = 0; i < agents.Nodes.Length; i++)
                {
                    var wrong = tests.Check(agents.Nodes[i], round + i, V2Hash);
                    Interlocked.Increment(ref _decisions);
                    if (wrong is not null && Interlocked.Increment(ref _wrongCount) <= WrongKept)
                    {
                        _wrong.Enqueue(wrong);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // How it is meant to end.
        }
    }
}
