using System.Collections.Immutable;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Silo.Security;
using OrleansPolicy.Silo.Tests.Contracts;

namespace OrleansPolicy.Silo.Tests.Security;

public sealed class KeyCacheTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly Store _store;
    private readonly KeyCache _keys;

    public KeyCacheTests()
    {
        _store = new Store(_clock);
        _keys = new KeyCache(_store, _clock);
    }

    public void Dispose() => _keys.Dispose();

    [Fact]
    public async Task A_key_is_looked_up_once_and_then_remembered()
    {
        var key = _store.Add("one");

        for (var request = 0; request < 10; request++)
        {
            Assert.Equal("one", (await _keys.FindAsync(key))!.Key.KeyId);
        }

        Assert.Equal(1, _store.LookUps);
    }

    [Fact]
    public async Task A_stranger_is_asked_for_at_most_once_in_two_seconds()
    {
        Assert.Null(await _keys.FindAsync("stranger"));
        Assert.Null(await _keys.FindAsync("stranger"));
        Assert.Equal(1, _store.LookUps);

        _clock.Advance(KeyCache.TrustedFor + TimeSpan.FromMilliseconds(1));
        Assert.Null(await _keys.FindAsync("stranger"));
        Assert.Equal(2, _store.LookUps);
    }

    [Fact]
    public async Task A_revoked_key_counts_for_two_seconds_at_most_and_ends_what_is_open()
    {
        var key = _store.Add("one");
        var caller = (await _keys.FindAsync(key))!;
        _store.Revoke("one");

        _clock.Advance(KeyCache.TrustedFor + TimeSpan.FromMilliseconds(1));

        Assert.Null(await _keys.FindAsync(key));
        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task Reading_revocations_ends_open_polls_without_a_request()
    {
        var caller = (await _keys.FindAsync(_store.Add("one")))!;
        var other = (await _keys.FindAsync(_store.Add("two")))!;
        _store.Revoke("one");

        await _keys.RefreshAsync();

        Assert.True(caller.Ended.IsCancellationRequested);
        Assert.False(other.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task While_revocations_cannot_be_read_no_key_counts_for_longer_than_two_seconds()
    {
        var key = _store.Add("one");
        Assert.NotNull(await _keys.FindAsync(key));
        _store.IsAway = true;

        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.NotNull(await _keys.FindAsync(key));
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _keys.FindAsync(key).AsTask());

        _store.IsAway = false;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(await _keys.FindAsync(key));
    }

    [Fact]
    public async Task A_key_is_last_known_as_it_was_until_it_expires_or_is_known_to_be_revoked()
    {
        var (key, revoked) = (_store.Add("one", _clock.GetUtcNow().AddHours(1)), _store.Add("two"));
        Assert.Null(_keys.FindLastKnown(key));
        Assert.NotNull(await _keys.FindAsync(key));
        Assert.NotNull(await _keys.FindAsync(revoked));
        _store.Revoke("two");
        await _keys.RefreshAsync();
        _store.IsAway = true;

        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal("one", _keys.FindLastKnown(key)!.Key.KeyId);
        Assert.Null(_keys.FindLastKnown(revoked));
        Assert.Null(_keys.FindLastKnown("stranger"));

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(_keys.FindLastKnown(key));
    }

    [Theory]
    [InlineData(90)]
    [InlineData(86_400)]
    public async Task What_was_revoked_while_the_database_could_not_be_read_ends_with_the_next_reading(int seconds)
    {
        var key = _store.Add("one");
        var caller = (await _keys.FindAsync(key))!;
        _store.IsAway = true;
        _store.Revoke("one");
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _keys.FindAsync(key).AsTask());

        _store.IsAway = false;
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await _keys.FindAsync(key));
        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task What_was_revoked_while_the_process_stood_still_ends_with_the_next_reading()
    {
        var key = _store.Add("one");
        var caller = (await _keys.FindAsync(key))!;
        _clock.Advance(TimeSpan.FromSeconds(1));
        _store.Revoke("one");

        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Null(await _keys.FindAsync(key));
        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task What_was_revoked_after_the_clock_was_set_back_ends_with_the_next_reading()
    {
        var key = _store.Add("one");
        var caller = (await _keys.FindAsync(key))!;
        _clock.SetBy(TimeSpan.FromHours(-1));
        _store.Revoke("one");

        _clock.Advance(TimeSpan.FromSeconds(90));

        Assert.Null(await _keys.FindAsync(key));
        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task What_was_revoked_while_the_machine_slept_ends_with_the_next_reading()
    {
        var caller = (await _keys.FindAsync(_store.Add("one")))!;
        _store.Revoke("one");

        _clock.SetBy(TimeSpan.FromMinutes(10));
        await _keys.RefreshAsync();

        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task A_key_that_was_looked_up_before_the_process_stood_still_is_looked_up_again()
    {
        var key = _store.Add("one");
        var held = new TaskCompletionSource();
        _store.Held = held.Task;
        var asked = _keys.FindAsync(key).AsTask();
        _store.Revoke("one");

        // The reading of revocations comes first, when nothing is known yet.
        _clock.Advance(TimeSpan.FromSeconds(90));
        await _keys.RefreshAsync();
        held.SetResult();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => asked);
        Assert.Null(await _keys.FindAsync(key));
    }

    [Fact]
    public async Task An_expired_key_counts_no_more_and_ends_what_is_open()
    {
        var key = _store.Add("one", _clock.GetUtcNow().AddSeconds(1));
        var caller = (await _keys.FindAsync(key))!;

        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await _keys.FindAsync(key));
        await _keys.RefreshAsync();
        Assert.True(caller.Ended.IsCancellationRequested);
    }

    [Fact]
    public async Task A_key_of_a_role_that_is_none_counts_as_unknown() => Assert.Null(await _keys.FindAsync(_store.Add("one", role: "emperor")));

    [Fact]
    public async Task A_thousand_keys_at_once_are_looked_up_together()
    {
        var keys = Enumerable.Range(0, 1_000).Select(index => _store.Add($"key-{index}")).ToList();
        var held = new TaskCompletionSource();
        _store.Held = held.Task;

        var asked = keys.Select(key => _keys.FindAsync(key).AsTask()).ToList();
        held.SetResult();

        Assert.Equal(keys.Count, (await Task.WhenAll(asked)).Select(caller => caller!.Key.KeyId).Distinct().Count());
        Assert.Equal(2, _store.LookUps);
    }

    [Fact]
    public async Task A_look_up_that_fails_is_told_to_all_who_wait_and_the_next_one_is_another()
    {
        var keys = new[] { _store.Add("one"), _store.Add("two") };
        await _keys.RefreshAsync();
        _store.IsAway = true;
        foreach (var asked in keys.Select(key => _keys.FindAsync(key).AsTask()).ToList())
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => asked);
        }

        _store.IsAway = false;
        Assert.NotNull(await _keys.FindAsync(keys[0]));
    }

    private sealed class Store(ManualClock clock) : IKeyStore
    {
        private readonly Dictionary<string, KeyWrite> _keys = [];
        private readonly List<(string Id, DateTimeOffset At)> _revoked = [];

        public int LookUps { get; private set; }

        public bool IsAway { get; set; }

        /// <summary>Look-ups do not end before it.</summary>
        public Task Held { get; set; } = Task.CompletedTask;

        public string Add(string id, DateTimeOffset? expiresAt = null, string role = "viewer")
        {
            var secret = ApiKey.New();
            _keys[id] = new KeyWrite
            {
                KeyId = id,
                Tenant = "t",
                Name = id,
                Subject = id,
                Role = role,
                KeySha256 = ApiKey.Hash(secret),
                CreatedAt = default,
                ExpiresAt = expiresAt,
            };
            return secret;
        }

        public void Revoke(string id)
        {
            _keys.Remove(id);
            _revoked.Add((id, clock.GetUtcNow()));
        }

        public async Task<ImmutableArray<KeyWrite>> FindKeysAsync(
            ImmutableArray<ImmutableArray<byte>> keySha256, DateTimeOffset now, CancellationToken cancellationToken = default)
        {
            LookUps++;
            var found = _keys.Values
                .Where(key => keySha256.Any(hash => hash.SequenceEqual(key.KeySha256)) && !(key.ExpiresAt <= now)).ToImmutableArray();
            await Held;
            return await Answer(found);
        }

        public Task<ImmutableArray<string>> ReadRevokedKeysAsync(DateTimeOffset since, CancellationToken cancellationToken = default) =>
            Answer(_revoked.Where(key => key.At >= since).Select(key => key.Id).ToImmutableArray());

        public Task<ImmutableArray<KeyWrite>> ListKeysAsync(string? tenant, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<ImmutableArray<string>> ListTenantsAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        private Task<T> Answer<T>(T value) => IsAway ? Task.FromException<T>(new StoreUnavailableException("away")) : Task.FromResult(value);
    }
}
