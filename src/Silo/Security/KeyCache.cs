using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// The keys seen lately. An entry counts only while the list of revocations was read at most <see cref="TrustedFor"/> ago: one small
/// statement a second keeps any number of keys honest, where asking for each key again would cost a statement per node.
/// </summary>
public sealed class KeyCache(IKeyStore store, TimeProvider time) : IDisposable
{
    /// <summary>How old the last reading of revocations may be.</summary>
    public static readonly TimeSpan TrustedFor = TimeSpan.FromSeconds(2);

    /// <summary>How often revocations are read while anybody could ask.</summary>
    public static readonly TimeSpan RefreshEvery = TimeSpan.FromSeconds(1);

    private const int KeysMax = 200_000;
    private const int UnknownMax = 10_000;

    // Reading further back than the last reading began covers transactions that were in flight then, and clocks that differ.
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(60);

    // A key that was found working longer ago than this may have been taken back before the reading that the next one goes on from.
    private static readonly TimeSpan LookUpMax = Overlap / 2;
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<ImmutableArray<byte>, Entry> known = new(KeyHashComparer.Instance);
    private readonly ConcurrentDictionary<string, ImmutableArray<byte>> hashByKeyId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<ImmutableArray<byte>, long> unknown = new(KeyHashComparer.Instance);
    private readonly KeyLookUps lookUps = new(store, time);
    private readonly Lock gate = new();
    private readonly Moment startedAt = Moment.Now(time);
    private Task? refreshing;
    private Moment? refreshedAt;
    private long failedAt = long.MinValue;
    private StoreUnavailableException? failure;

    /// <summary>The caller behind a key; null: unknown, expired or revoked. Throws <see cref="StoreUnavailableException"/> where that cannot be known.</summary>
    public async ValueTask<ApiCaller?> FindAsync(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var hash = ApiKey.Hash(key);
        await TrustAsync();
        if (!known.TryGetValue(hash, out var entry))
        {
            entry = await LookUpAsync(hash);
        }

        return CallerOf(entry, hash);
    }

    /// <summary>
    /// The caller behind a key as it was last known, however long ago that was; null: it was never seen here, has expired or is known to
    /// be revoked. For while <see cref="FindAsync"/> cannot know, and only where nothing is lost when the key was revoked since.
    /// </summary>
    public ApiCaller? FindLastKnown(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var hash = ApiKey.Hash(key);
        return CallerOf(known.GetValueOrDefault(hash), hash);
    }

    /// <summary>Reads what was revoked and ends what hangs on it. Concurrent calls share one reading.</summary>
    public Task RefreshAsync()
    {
        lock (gate)
        {
            return refreshing is { IsCompleted: false } ? refreshing : refreshing = ReadRevocationsAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in known.Values)
        {
            entry.Dispose();
        }
    }

    // The dictionary found it by hash; comparing again in constant time costs nothing and does not depend on how it compares.
    private ApiCaller? CallerOf(Entry? entry, ImmutableArray<byte> hash) =>
        entry is not null
        && CryptographicOperations.FixedTimeEquals(entry.Caller.Key.KeySha256.AsSpan(), hash.AsSpan())
        && !(entry.Caller.Key.ExpiresAt <= time.GetUtcNow())
            ? entry.Caller
            : null;

    private async ValueTask TrustAsync()
    {
        if (Volatile.Read(ref refreshedAt) is { } read && IsWithin(read.Timestamp, TrustedFor))
        {
            return;
        }

        if (IsWithin(Volatile.Read(ref failedAt), RetryAfterFailure) && failure is { } known)
        {
            throw new StoreUnavailableException(known.Message, known);
        }

        await RefreshAsync();
    }

    private async Task ReadRevocationsAsync()
    {
        // From where the last reading began that came to its end, however long ago that is: the database may have been away for hours.
        var started = Moment.Now(time);
        var since = started.At - (refreshedAt ?? startedAt).Age(time) - Overlap;
        try
        {
            foreach (var keyId in await store.ReadRevokedKeysAsync(since))
            {
                Forget(keyId);
            }

            Volatile.Write(ref refreshedAt, started);
            ForgetExpired();
        }
        catch (StoreUnavailableException exception)
        {
            failure = exception;
            Volatile.Write(ref failedAt, time.GetTimestamp());
            throw;
        }
    }

    private async ValueTask<Entry?> LookUpAsync(ImmutableArray<byte> hash)
    {
        if (unknown.TryGetValue(hash, out var asked) && IsWithin(asked, TrustedFor))
        {
            return null;
        }

        var began = Moment.Now(time);
        if (await lookUps.FindAsync(hash) is not { } key)
        {
            return RememberUnknown(hash);
        }

        var entry = Remember(hash, key);
        if (began.Age(time) <= LookUpMax)
        {
            return entry;
        }

        // The process stood still meanwhile. Judged only now that the key is among the known, where readings from here on find it.
        Forget(key.KeyId);
        throw new StoreUnavailableException("Looking the key up took too long to be sure that it still works.");
    }

    private Entry? RememberUnknown(ImmutableArray<byte> hash)
    {
        if (unknown.Count >= UnknownMax)
        {
            unknown.Clear();
        }

        unknown[hash] = time.GetTimestamp();
        return null;
    }

    private Entry? Remember(ImmutableArray<byte> hash, KeyWrite key)
    {
        if (!Enum.TryParse<Role>(key.Role, ignoreCase: true, out var role))
        {
            return null;
        }

        if (known.Count >= KeysMax)
        {
            // Far beyond any fleet: start over. What is open ends, so that no poll outlives the memory of its key.
            foreach (var keyId in hashByKeyId.Keys)
            {
                Forget(keyId);
            }
        }

        var entry = known.GetOrAdd(hash, _ => new Entry(key, role, time));
        hashByKeyId[key.KeyId] = hash;
        return entry;
    }

    private void Forget(string keyId)
    {
        if (hashByKeyId.TryRemove(keyId, out var hash) && known.TryRemove(hash, out var entry))
        {
            entry.End();
        }
    }

    private void ForgetExpired()
    {
        var now = time.GetUtcNow();
        foreach (var (_, entry) in known)
        {
            if (entry.Caller.Key.ExpiresAt <= now)
            {
                Forget(entry.Caller.Key.KeyId);
            }
        }
    }

    private bool IsWithin(long timestamp, TimeSpan age) => timestamp != long.MinValue && time.GetElapsedTime(timestamp) <= age;

    /// <summary>
    /// A moment by both clocks. One of them may be set while the process runs, the other one stands still while the machine sleeps: what
    /// was longer ago by either of them was that long ago.
    /// </summary>
    private sealed record Moment(long Timestamp, DateTimeOffset At)
    {
        public static Moment Now(TimeProvider time) => new(time.GetTimestamp(), time.GetUtcNow());

        public TimeSpan Age(TimeProvider time)
        {
            var (ticked, shown) = (time.GetElapsedTime(Timestamp), time.GetUtcNow() - At);
            return ticked > shown ? ticked : shown;
        }
    }

    private sealed class Entry : IDisposable
    {
        private readonly CancellationTokenSource ended;

        public Entry(KeyWrite key, Role role, TimeProvider time)
        {
            ended = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
            Caller = new ApiCaller { Key = key, Role = role, Ended = ended.Token };
        }

        public ApiCaller Caller { get; }

        public void End() => ended.Cancel();

        public void Dispose() => ended.Dispose();
    }
}
