using System.Collections.Concurrent;
using System.Collections.Immutable;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;
using OrleansPolicy.Review;

namespace OrleansPolicy.Client;

/// <summary>
/// Makes decisions again under a bundle that is not in force, and counts what comes out differently. Whoever decides leaves the
/// request in a queue of bounded length and goes on; what finds no room is counted and not evaluated. It never changes an answer, never
/// waits and never throws.
/// </summary>
/// <param name="policy">The bundle.</param>
/// <param name="keeps">
/// False where inputs must not outlive their request: then the second decision is made on the deciding thread.
/// </param>
internal sealed class ShadowRun(LoadedPolicy policy, bool keeps)
{
    /// <summary>How many requests may wait.</summary>
    public const int QueueMax = 1024;

    /// <summary>A larger context is not worth its memory.</summary>
    private const int ContextBytesMax = 64 * 1024;

    /// <summary>How many ways to differ are counted apart; what comes beyond them counts in the sums alone.</summary>
    private const int ChangesMax = 256;

    /// <summary>How often the queue is emptied: with its length, the bound of what a node spends on a shadow.</summary>
    private static readonly TimeSpan EmptyEvery = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentQueue<Request> _queue = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(DecisionChangeKind Kind, string? From, string? To), long> _changes = [];
    private int _waiting;
    private long _compared;
    private long _changed;
    private long _dropped;

    /// <summary>The bundle.</summary>
    public string PolicyHash => policy.PolicyHash;

    /// <summary>A decision was made: it is made again, soon.</summary>
    public void Offer(string capabilityId, DecisionContext? context, DateTimeOffset at, Decision decision)
    {
        try
        {
            if (!keeps)
            {
                Evaluate(new Request(capabilityId, context, at, decision));
            }
            else if (!TryQueue(capabilityId, context, at, decision))
            {
                Interlocked.Increment(ref _dropped);
            }
        }
        catch (Exception)
        {
            // Whatever is wrong with the request or the bundle, the answer in force stands; what was not seen does not count as seen.
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Empties the queue every so often, until cancelled.</summary>
    public async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(EmptyEvery, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            for (var left = QueueMax; left > 0 && _queue.TryDequeue(out var request); left--)
            {
                Interlocked.Decrement(ref _waiting);
                try
                {
                    Evaluate(request);
                }
                catch (Exception)
                {
                    Interlocked.Increment(ref _dropped);
                }
            }
        }
    }

    /// <summary>Everything counted since it began.</summary>
    public ShadowCounts Read()
    {
        lock (_lock)
        {
            return new ShadowCounts(
                Interlocked.Read(ref _compared), _changed, Interlocked.Read(ref _dropped), _changes.ToImmutableDictionary());
        }
    }

    private bool TryQueue(string capabilityId, DecisionContext? context, DateTimeOffset at, Decision decision)
    {
        if (Volatile.Read(ref _waiting) >= QueueMax || (context ?? DecisionContext.Empty).Size > ContextBytesMax)
        {
            return false;
        }

        // Some threads at once may pass the bound by one each: it bounds memory, nothing else.
        Interlocked.Increment(ref _waiting);
        _queue.Enqueue(new Request(capabilityId, context, at, decision));
        return true;
    }

    private void Evaluate(in Request request)
    {
        var shadow = policy.Rules.Decide(new DecisionRequest(request.CapabilityId, request.Context, request.At));
        if (DecisionChange.Between(request.Decision, shadow) is { } kind)
        {
            lock (_lock)
            {
                // Compared first: a part is never larger than its total.
                Interlocked.Increment(ref _compared);
                _changed += kind == DecisionChangeKind.AnswerOnly ? 0 : 1;
                var key = (kind, request.Decision.RuleId, shadow.RuleId);
                if (_changes.Count < ChangesMax || _changes.ContainsKey(key))
                {
                    _changes[key] = _changes.GetValueOrDefault(key) + 1;
                }
            }
        }
        else
        {
            Interlocked.Increment(ref _compared);
        }
    }

    private readonly record struct Request(string CapabilityId, DecisionContext? Context, DateTimeOffset At, Decision Decision);
}

/// <summary>What was counted of a shadow.</summary>
/// <param name="Compared">Decisions made twice.</param>
/// <param name="Changed">Of these, for how many something else would have happened.</param>
/// <param name="Dropped">Decisions that were not made twice.</param>
/// <param name="Changes">What differed, by rule.</param>
internal sealed record ShadowCounts(
    long Compared, long Changed, long Dropped, ImmutableDictionary<(DecisionChangeKind Kind, string? From, string? To), long> Changes)
{
    public static readonly ShadowCounts None = new(0, 0, 0, ImmutableDictionary<(DecisionChangeKind Kind, string? From, string? To), long>.Empty);

    /// <summary>What a report says of it: what happened since another reading.</summary>
    public ShadowWord Since(ShadowCounts before, string policyHash) => new()
    {
        PolicyHash = policyHash,
        Compared = Compared - before.Compared,
        Changed = Changed - before.Changed,
        Dropped = Dropped - before.Dropped,
        Changes = ShadowChange.Sum(
            Changes.Select(now => new ShadowChange(now.Key.Kind, Short(now.Key.From), Short(now.Key.To), now.Value - before.Changes.GetValueOrDefault(now.Key)))
                .Where(change => change.Count > 0),
            ReportRules.ShadowChangesMax),
    };

    private static string? Short(string? rule) => rule is { Length: > ReportRules.NameLengthMax } ? rule[..ReportRules.NameLengthMax] : rule;
}
