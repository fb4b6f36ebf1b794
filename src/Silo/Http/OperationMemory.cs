using System.Collections.Concurrent;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// What this process answered under an idempotency key and stored nowhere else: calls that only compute, and the one answer that
/// must never be stored, a new key. Bounded for each API key, so that nobody's calls push out what another was answered; what matters
/// is in the database.
/// </summary>
public sealed class OperationMemory(TimeProvider time)
{
    /// <summary>How many operations of one API key are remembered: its newest.</summary>
    public const int OperationsOfKeyMax = 500;

    /// <summary>How many bytes all take together. Where they are more, whose take most give their oldest first.</summary>
    public const long BytesMax = 64 * 1024 * 1024;

    /// <summary>The largest answer that is remembered: ten thousand new keys are smaller.</summary>
    public const int AnswerBytesMax = 8 * 1024 * 1024;

    // What an operation takes besides its answer: names, hash and their place.
    private const int EntryBytes = 1024;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);
    private readonly Lock gate = new();
    private readonly Dictionary<string, OfKey> keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string KeyId, string Id), Turn> turns = new();
    private long bytes;

    /// <summary>How many bytes are taken.</summary>
    internal long Bytes
    {
        get
        {
            lock (gate)
            {
                return bytes;
            }
        }
    }

    /// <summary>What was answered; null: nothing is remembered.</summary>
    public Entry? Find(string keyId, string id)
    {
        lock (gate)
        {
            return keys.GetValueOrDefault(keyId)?.Operations.GetValueOrDefault(id) is { } entry && time.GetUtcNow() - entry.At <= KeptFor ? entry : null;
        }
    }

    /// <summary>Remembers an answer, or that there was one; forgets the oldest ones where there are too many.</summary>
    public void Remember(string keyId, string id, string requestHash, WrittenAnswer? answer)
    {
        var entry = new Entry(requestHash, answer is { Body.Length: <= AnswerBytesMax } ? answer : null, time.GetUtcNow());
        lock (gate)
        {
            if (!keys.TryGetValue(keyId, out var own))
            {
                keys.Add(keyId, own = new OfKey(keyId));
            }

            if (own.Operations.IndexOf(id) is >= 0 and var before)
            {
                Forget(own, before);
            }

            own.Operations.Add(id, entry);
            Count(own, entry.Bytes);
            if (own.Operations.Count > OperationsOfKeyMax)
            {
                Forget(own, 0);
            }

            while (bytes > BytesMax)
            {
                var most = keys.Values.MaxBy(key => key.Bytes)!;
                Forget(most, 0);
                if (most.Operations.Count == 0)
                {
                    keys.Remove(most.KeyId);
                }
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        lock (gate)
        {
            keys.Clear();
            bytes = 0;
        }
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

    private void Forget(OfKey key, int place)
    {
        Count(key, -key.Operations.GetAt(place).Value.Bytes);
        key.Operations.RemoveAt(place);
    }

    private void Count(OfKey key, int more)
    {
        key.Bytes += more;
        bytes += more;
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
    public sealed record Entry(string RequestHash, WrittenAnswer? Answer, DateTimeOffset At)
    {
        /// <summary>How many bytes it takes.</summary>
        internal int Bytes => EntryBytes + (Answer?.Body.Length ?? 0);
    }

    private sealed class OfKey(string keyId)
    {
        public string KeyId => keyId;

        public OrderedDictionary<string, Entry> Operations { get; } = new(StringComparer.Ordinal);

        public long Bytes { get; set; }
    }

    private sealed record Turn(int Users)
    {
        public SemaphoreSlim Gate { get; init; } = new(1);
    }

    private sealed class Exit(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
