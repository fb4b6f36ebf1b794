using System.Security.Cryptography;
using System.Text.Json;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>Signed trust roots, mutated: nothing throws, and no root follows but the one that was signed.</summary>
public sealed class TrustFuzzTests
{
    private static readonly ECDsa Old = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa New = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [Fact]
    public void No_changed_root_follows()
    {
        var current = new TrustRoot { Keys = [Key("old", Old)] };
        var next = new TrustRoot { Version = 2, Keys = [Key("old", Old) with { State = TrustKeyState.Retired }, Key("new", New)] };
        next = TrustRoots.Sign(TrustRoots.Sign(next, "old", Old), "new", New);
        var hash = TrustRoots.Hash(next);
        var followed = 0;
        Mutants.Check([JsonSerializer.SerializeToUtf8Bytes(next, PolicyJson.Options)], 10_000, mutant =>
        {
            TrustRoot? root;
            try
            {
                root = JsonSerializer.Deserialize<TrustRoot>(mutant.Json, PolicyJson.Options);
            }
            catch (JsonException)
            {
                return;
            }

            if (root is null)
            {
                return;
            }

            var outcome = TrustRoots.Follow(current, root);
            if (outcome.Succeeded)
            {
                Assert.Equal(hash, TrustRoots.Hash(outcome.Value));
                followed++;
                return;
            }

            Assert.All(outcome.Problems, problem => Assert.StartsWith("trust.", problem.Code, StringComparison.Ordinal));
        });
        Assert.True(followed > 100, $"{followed}");
    }

    private static TrustKey Key(string id, ECDsa key) => new(id, SignatureAlgorithm.EcdsaKey, key.ExportSubjectPublicKeyInfoPem());
}
