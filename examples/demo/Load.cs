using System.Collections.Concurrent;
using System.Diagnostics;

namespace OrleansPolicy.Demo;

/// <summary>Requests at every node, all the time: each is checked against what the version that decided it must say.</summary>
internal sealed class Load(Agents agents, TestDecisions tests, string v1Hash) : IAsyncDisposable
{
    private const int WrongKept = 5;

    /// <summary>The most of the requests that fail under a version with a flaw, and how fast their share rises.</summary>
    private const double FailingMost = 0.5;
    private const double FailingPerSecond = 0.1;

    /// <summary>One request at each node in each round: some thousands a second, however many nodes there are.</summary>
    private readonly TimeSpan _round = TimeSpan.FromMilliseconds(Math.Max(25, agents.Nodes.Length / 4));

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private volatile Flaw? _flaw;
    private Task _running = Task.CompletedTask;
    private long _decisions;
    private long _wrongCount;

    public long Decisions => Interlocked.Read(ref _decisions);

    /// <summary>Decisions that were not what the version says, or were refused.</summary>
    public long WrongCount => Interlocked.Read(ref _wrongCount);

    /// <summary>The first few of them.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>
    /// From now on a rising share of the requests that a version lets through fails in the application, which tells its agent so
    /// (<c>error_rate</c>); null: none does.
    /// </summary>
    public void FailUnder(string? policyHash) => _flaw = policyHash is null ? null : new Flaw(policyHash, Stopwatch.GetTimestamp());

    public void Start() => _running = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(_round);
        var round = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                round++;
                for (var i = 0; i < agents.Nodes.Length; i++)
                {
                    var wrong = tests.Check(agents.Nodes[i], round + i, v1Hash);
                    Interlocked.Increment(ref _decisions);
                    if (_flaw is { } flaw && agents.Nodes[i].Status.PolicyHash == flaw.PolicyHash && Random.Shared.NextDouble() < flaw.Share)
                    {
                        agents.Nodes[i].Record("error_rate", 1);
                    }

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

    private sealed record Flaw(string PolicyHash, long Since)
    {
        public double Share => Math.Min(FailingMost, FailingPerSecond * (1 + Stopwatch.GetElapsedTime(Since).TotalSeconds));
    }
}
