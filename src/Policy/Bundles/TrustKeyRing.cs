using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace OrleansPolicy.Bundles;

/// <summary>A trust root with its keys parsed. Made once for each root and kept as long as the root is.</summary>
internal sealed class TrustKeyRing
{
    private static readonly ConditionalWeakTable<TrustRoot, TrustKeyRing> Rings = [];

    private readonly Dictionary<string, Entry> byId = new(StringComparer.Ordinal);

    private TrustKeyRing(TrustRoot root)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        for (var i = 0; i < root.Keys.Length; i++)
        {
            Add(root.Keys[i], $"$.keys[{i}]", problems);
        }

        Problems = problems.ToImmutable();
    }

    /// <summary>What is wrong with the keys.</summary>
    public ImmutableArray<Problem> Problems { get; }

    /// <summary>All keys that could be read.</summary>
    public IEnumerable<Entry> Keys => byId.Values;

    /// <summary>The ring of a root. Concurrent first calls may parse twice; one result stays.</summary>
    public static TrustKeyRing Of(TrustRoot root) => Rings.GetValue(root, static r => new TrustKeyRing(r));

    public Entry? Find(string keyId) => byId.GetValueOrDefault(keyId);

    /// <summary>How many distinct public keys are in a state that the predicate accepts. The worst state of a key is the one that counts.</summary>
    public int CountDistinct(Func<TrustKeyState, bool> accepts) => byId.Values.Where(e => accepts(StateOf(e.Key))).DistinctBy(e => e.Key.Fingerprint).Count();

    /// <summary>A key listed under two ids is as bad as its worse state: an attacker would sign under the better one.</summary>
    public TrustKeyState StateOf(PublicKey key) => byId.Values.Where(e => e.Key.Fingerprint == key.Fingerprint).Max(e => e.Listed.State);

    private void Add(TrustKey? listed, string path, ImmutableArray<Problem>.Builder problems)
    {
        if (listed is null)
        {
            problems.Add(new Problem("trust.keys", "This is no key.", path)); // JSON can say null where a key belongs.
            return;
        }

        if (string.IsNullOrWhiteSpace(listed.KeyId))
        {
            problems.Add(new Problem("trust.key_id", "A key has an id.", path + ".key_id"));
        }

        var parsed = PublicKey.Parse(listed.Algorithm ?? "", listed.PublicKeyPem ?? "", path);
        if (!parsed.Succeeded)
        {
            problems.AddRange(parsed.Problems);
        }
        else if (!byId.TryAdd(listed.KeyId ?? "", new Entry(listed, parsed.Value)))
        {
            problems.Add(new Problem("trust.key_id_duplicate", $"Two keys have the id {listed.KeyId}.", path + ".key_id"));
        }
    }

    public sealed record Entry(TrustKey Listed, PublicKey Key);
}
