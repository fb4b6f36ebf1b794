using System.Collections.Immutable;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Security;

/// <summary>
/// Looks keys up in groups: while one statement is under way, all who ask wait for the next one together. So ten thousand nodes that
/// come back to a process that knows none of them cost it a few statements, and a single key waits for nobody.
/// </summary>
internal sealed class KeyLookUps(IKeyStore store, TimeProvider time)
{
    /// <summary>The most keys of one statement.</summary>
    public const int GroupMax = 1_000;

    private readonly Lock gate = new();
    private readonly Dictionary<ImmutableArray<byte>, TaskCompletionSource<KeyWrite?>> waiting = new(KeyHashComparer.Instance);
    private bool running;

    /// <summary>A key that works now; null: there is none. Throws <see cref="StoreUnavailableException"/>.</summary>
    public Task<KeyWrite?> FindAsync(ImmutableArray<byte> hash)
    {
        lock (gate)
        {
            if (!waiting.TryGetValue(hash, out var answer))
            {
                answer = waiting[hash] = new TaskCompletionSource<KeyWrite?>(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            if (!running)
            {
                running = true;
                _ = RunAsync();
            }

            return answer.Task;
        }
    }

    private async Task RunAsync()
    {
        for (var group = Take(); group.Count > 0; group = Take())
        {
            await AnswerAsync(group);
        }
    }

    private List<KeyValuePair<ImmutableArray<byte>, TaskCompletionSource<KeyWrite?>>> Take()
    {
        lock (gate)
        {
            var group = waiting.Take(GroupMax).ToList();
            group.ForEach(asked => waiting.Remove(asked.Key));
            running = group.Count > 0;
            return group;
        }
    }

    private async Task AnswerAsync(List<KeyValuePair<ImmutableArray<byte>, TaskCompletionSource<KeyWrite?>>> group)
    {
        try
        {
            var keys = await store.FindKeysAsync([.. group.Select(asked => asked.Key)], time.GetUtcNow());
            var found = keys.ToDictionary(key => key.KeySha256, KeyHashComparer.Instance);
            group.ForEach(asked => asked.Value.SetResult(found.GetValueOrDefault(asked.Key)));
        }
#pragma warning disable CA1031 // Whatever it is, those who wait hear it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            group.ForEach(asked => asked.Value.SetException(exception));
        }
    }
}
