using System.Runtime.InteropServices;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Grains.Storage;

namespace OrleansPolicy.Silo.Decisions;

/// <summary>Compiled bundles by tenant and hash, so that a decision calls no grain and reads no row. The least used go first.</summary>
public sealed class RuleSetCache(ICatalogStore catalog)
{
    /// <summary>How many compiled bundles are kept.</summary>
    public const int EntriesMax = 64;

    /// <summary>How many bytes of bundle content they may have come from.</summary>
    public const long BytesMax = 256 * 1024 * 1024;

    private readonly Dictionary<(string Tenant, string Hash), LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> byUse = [];
    private readonly Lock gate = new();
    private long bytes;

    /// <summary>The compiled bundle; null where the tenant has none with this hash. Concurrent calls share one compilation.</summary>
    public async ValueTask<Outcome<RuleSet>?> FindAsync(string tenant, string hash)
    {
        var entry = Enter((tenant, hash));
        try
        {
            var compiled = await entry.Compiled.Value;
            if (compiled is null)
            {
                Leave(entry);
            }
            else
            {
                Account(entry, compiled.Bytes);
            }

            return compiled?.Rules;
        }
        catch (StoreUnavailableException)
        {
            Leave(entry);
            throw;
        }
    }

    private Entry Enter((string Tenant, string Hash) key)
    {
        lock (gate)
        {
            if (entries.TryGetValue(key, out var node))
            {
                byUse.Remove(node);
                byUse.AddFirst(node);
                return node.Value;
            }

            var entry = new Entry(key, new Lazy<Task<Compiled?>>(() => CompileAsync(key.Tenant, key.Hash)));
            entries[key] = byUse.AddFirst(entry);
            Shrink();
            return entry;
        }
    }

    private void Account(Entry entry, long size)
    {
        lock (gate)
        {
            if (entry.Bytes == 0 && entries.TryGetValue(entry.Key, out var node) && node.Value == entry)
            {
                entry.Bytes = size;
                bytes += size;
                Shrink();
            }
        }
    }

    private void Leave(Entry entry)
    {
        lock (gate)
        {
            if (entries.TryGetValue(entry.Key, out var node) && node.Value == entry)
            {
                Remove(node);
            }
        }
    }

    private void Shrink()
    {
        while (byUse.Count > 1 && (byUse.Count > EntriesMax || bytes > BytesMax))
        {
            Remove(byUse.Last!);
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        byUse.Remove(node);
        entries.Remove(node.Value.Key);
        bytes -= node.Value.Bytes;
    }

    private async Task<Compiled?> CompileAsync(string tenant, string hash)
    {
        if (await catalog.ReadContentAsync(tenant, hash) is not { } content)
        {
            return null;
        }

        // What is stored was verified when it was published; reading it again checks its structure alone.
        var read = BundleReader.Read(ImmutableCollectionsMarshal.AsArray(content), new BundleReadOptions());
        return new Compiled(read.Succeeded ? RuleSet.Compile(read.Value) : read.As<RuleSet>(), content.Length);
    }

    private sealed record Compiled(Outcome<RuleSet> Rules, long Bytes);

    private sealed class Entry((string Tenant, string Hash) key, Lazy<Task<Compiled?>> compiled)
    {
        public (string Tenant, string Hash) Key => key;

        public Lazy<Task<Compiled?>> Compiled => compiled;

        public long Bytes { get; set; }
    }
}
