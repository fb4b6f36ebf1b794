using System.Collections.Concurrent;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// What this process answered under an idempotency key and stored nowhere else: calls that only compute, and the one answer that
/// must never be stored, a new key. Bounded; what matters is in the database.
/// </summary>
public sealed class OperationMemory(TimeProvider time)
{
    /// <summary>How many operations are remembered.</summary>
    public const int OperationsMax = 10_000;

    // By the size of the requests, which their answers' sizes follow.
    private const long BytesMax = 64 * 1024 * 1024;
    private const int KeptRequestBytesMax = 1024 * 1024;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);
    private readonly ConcurrentDictionary<(string KeyId, string Id), Entry> entries = new();
    private readonly ConcurrentQueue<(string KeyId, string Id, int Bytes)> oldest = new();
    private readonly ConcurrentDictionary<(string KeyId, string Id), Turn> turns = new();
    private long bytes;

    /// <summary>What was answered; null: nothing is remembered.</summary>
    public Entry? Find(string keyId, string id) =>
        entries.TryGetValue((keyId, id), out var entry) && time.GetUtcNow() - entry.At <= KeptFor ? entry : null;

    /// <summary>Remembers an answer, or that there was one; forgets the oldest ones where there are too many.</summary>
    public void Remember(string keyId, string id, string requestHash, IResult? answer, int requestBytes)
    {
        entries[(keyId, id)] = new Entry(requestHash, requestBytes <= KeptRequestBytesMax ? answer : null, time.GetUtcNow());
        oldest.Enqueue((keyId, id, requestBytes));
        Interlocked.Add(ref bytes, requestBytes);
        while ((oldest.Count > OperationsMax || Interlocked.Read(ref bytes) > BytesMax) && oldest.TryDequeue(out var gone))
        {
            entries.TryRemove((gone.KeyId, gone.Id), out _);
            Interlocked.Add(ref bytes, -gone.Bytes);
        }
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        entries.Clear();
        oldest.Clear();
        Interlocked.Exchange(ref bytes, 0);
    }

    /// <summary>Waits until no other request of this process is under way with the same operation.</summary>
    public async Task<IDisposable> EnterAsync(string keyId, string id, CancellationToken cancellationToken)
    {
        var turn = turns.AddOrUpdate((keyId, id), _ => new Turn(1), (_, known) => known with { Users = known.Users + 1 });
        try
        {
            await turn.Gate.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Leave((keyId, id));
            throw;
        }

        return new Exit(() =>
        {
            turn.Gate.Release();
            Leave((keyId, id));
        });
    }

    private void Leave((string KeyId, string Id) operation)
    {
        while (turns.TryGetValue(operation, out var known))
        {
            var done = known.Users == 1
                ? turns.TryRemove(new KeyValuePair<(string, string), Turn>(operation, known))
                : turns.TryUpdate(operation, known with { Users = known.Users - 1 }, known);
            if (done)
            {
                return;
            }
        }
    }

    /// <summary>An answer. <paramref name="Answer"/> is null where it was too large to keep, or only of its moment: the call is made again.</summary>
    public sealed record Entry(string RequestHash, IResult? Answer, DateTimeOffset At);

    private sealed record Turn(int Users)
    {
        public SemaphoreSlim Gate { get; init; } = new(1);
    }

    private sealed class Exit(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
