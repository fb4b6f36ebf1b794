using System.Collections.Concurrent;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Demo;

/// <summary>
/// Counts, all the time and on the nodes themselves, how many run a bundle, and holds the count against what the newest directive
/// that any node has heard allows.
/// </summary>
internal sealed class ShareWatch(Agents agents, string policyHash) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<long, int> _mostByEpoch = new();
    private readonly ConcurrentDictionary<long, int> _capByEpoch = new();
    private Task _running = Task.CompletedTask;

    /// <summary>How often it counted.</summary>
    public long Samples { get; private set; }

    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Tells what an epoch allows.</summary>
    public void Learn(Directive directive) => _capByEpoch[directive.Epoch] =
        directive.Target != policyHash ? 0
        : directive.AtRest ? agents.Nodes.Length
        : (int)Math.Floor(directive.Percentage * agents.Nodes.Length / 100);

    /// <summary>The most nodes seen while an epoch was the newest that any had heard.</summary>
    public int MostIn(long epoch) => _mostByEpoch.GetValueOrDefault(epoch);

    public int CapOf(long epoch) => _capByEpoch[epoch];

    /// <summary>Every epoch in which more nodes ran it than allowed, or of which nobody knows what was allowed.</summary>
    public IReadOnlyList<string> Violations() =>
    [
        .. _mostByEpoch.OrderBy(e => e.Key).Where(e => e.Value > 0).Select(e => _capByEpoch.TryGetValue(e.Key, out var cap)
            ? e.Value > cap ? $"epoch {e.Key}: {e.Value} nodes, {cap} allowed" : null
            : $"epoch {e.Key}: {e.Value} nodes, and its directive was never seen").OfType<string>(),
    ];

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                // The count first: whatever let a node swap was heard before the epochs are read.
                var count = agents.CountOn(policyHash);
                var epoch = agents.Nodes.Max(n => n.Status.Epoch);
                _mostByEpoch.AddOrUpdate(epoch, count, (_, most) => Math.Max(most, count));
                Samples++;
            }
        }
        catch (OperationCanceledException)
        {
            // How it is meant to end.
        }
    }
}
