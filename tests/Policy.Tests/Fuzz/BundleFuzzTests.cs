using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansPolicy.Bundles;
using OrleansPolicy.Decisions;
using OrleansPolicy.Policy.Tests.Bundles;

namespace OrleansPolicy.Policy.Tests.Fuzz;

/// <summary>Signed bundles of every form, mutated: nothing throws, nothing that was changed verifies, nothing is allowed by a failure.</summary>
public sealed class BundleFuzzTests
{
    private static readonly ECDsa Alice = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA Carol = RSA.Create(3072);

    private static readonly JsonElement[] Unison =
        [.. JsonElement.Parse(Repository.Read("tests/Policy.Tests/Vectors/unison-signed.json")).GetProperty("bundles").EnumerateArray().Where(bundle => bundle.GetProperty("salt").GetString() == "max")];

    private static readonly TrustRoot Root = new()
    {
        Threshold = 1,
        Keys =
        [
            new TrustKey("alice", SignatureAlgorithm.EcdsaKey, Alice.ExportSubjectPublicKeyInfoPem()),
            new TrustKey("carol", SignatureAlgorithm.RsaKey, Carol.ExportSubjectPublicKeyInfoPem()),
            .. Unison.Select((bundle, i) => new TrustKey($"unison-{i}", SignatureAlgorithm.RsaKey, bundle.GetProperty("public_key_pem").GetString()!)),
        ],
    };

    private static readonly byte[][] Seeds =
    [
        Signed(Encoding.UTF8.GetString(SomeBundle.Native)),
        Signed(Encoding.UTF8.GetString(SomeBundle.OfRules("""
            [{"id":"a","effect":"allow","match":{"capability":"x.*","any":[{"path":"context.a[*].b","in":[1,"x"]},{"not":{"path":"context.c","cidr":"10.0.0.0/8"}}],
              "time_window":{"start":"22:00","end":"06:00","zone":"Europe/Berlin","days":["mon"]}}},
             {"match":{"intent_prefix":"x","auth_scope":"s","persons":["p"],"policy_context.scopes":"a.*"},"decision":{"action":"deny"}},
             {"id":"c","effect":"require_confirmation","priority":3,"match":{"path":"context.d","regex":"^a+$","glob":"*a?","gte":1}}]
            """, ",\"default_effect\":\"deny\",\"sequence\":4", ",\"data\":{\"x\":[1]}"))),
        Signed("""
            {"metadata":{"bundle_id":"b","version":"1.0.0","issued_at":"2026-01-01T00:00:00Z","issuer":"i","kind":"document"},"document":{"a":[1,2],"b":{"c":"d"}},
             "schema":{"properties":{"a":{"items":{"$ref":"#/$defs/n"},"uniqueItems":true},"b":{"oneOf":[{"type":"object"},{"type":"string","pattern":"^a+$"}]}},"$defs":{"n":{"type":"number","minimum":0}}}}
            """),
        .. Unison.Select(bundle => Encoding.UTF8.GetBytes(bundle.GetProperty("bundle").GetString()!)),
    ];

    private static readonly JsonElement[] Contexts =
    [
        JsonElement.Parse("""{"a":[{"b":1}],"c":"::1","d":"aa"}"""), JsonElement.Parse("""{"a":{"b":[]},"c":"10.1.2.3","d":5}"""),
        JsonElement.Parse("{}"), JsonElement.Parse("[]"), JsonElement.Parse("null"),
    ];

    private static readonly HashSet<string> Hashes = [.. Seeds.Select(seed => BundleReader.Read(seed, BundleReadOptions.Default).Value!.PolicyHash)];

    [Fact]
    public void No_changed_bundle_verifies_and_none_makes_anything_throw()
    {
        var verified = 0;
        Mutants.Check(Seeds, 40_000, mutant =>
        {
            var options = mutant.Json.Length % 3 == 0 ? new BundleReadOptions { Strict = true } : BundleReadOptions.Default;
            var bundle = BundleVerifier.Verify(mutant.Json, Root, options);
            if (bundle.Succeeded)
            {
                Assert.Contains(bundle.Value.PolicyHash, Hashes);
                verified++;
                return;
            }

            Assert.All(bundle.Problems, problem => Assert.True(problem.Code.StartsWith("bundle.", StringComparison.Ordinal) && problem.Path.StartsWith('$') && problem.Message.Length > 0));
            Assert.Equal(bundle.Problems.Length, Math.Min(bundle.Problems.Length, BundleLimits.ProblemsMax));
        });

        // Whoever changes nothing that is covered stays verified: the mutants do reach the signatures.
        Assert.True(verified > 1_000, $"{verified}");
    }

    [Fact]
    public void No_changed_rule_makes_deciding_throw_and_no_error_allows()
    {
        var decided = 0;
        byte[][] seeds =
        [
            .. Seeds,
            """[{"match":{"safety_context":{"data_classification":"a"},"target":{"device_class":"b"}},"decision":{"action":"allow","reason":"r"}}]"""u8.ToArray(),
            """{"metadata":{"bundle_id":"b","version":"1","issued_at":"x"},"policies":[{"id":"x","effect":"allow","conditions":{"time_restrictions":{"start":"1:00","end":"2:00"},"data_classification":["a"]}}]}"""u8.ToArray(),
        ];
        Mutants.Check(seeds, 20_000, mutant =>
        {
            var bundle = BundleReader.Read(mutant.Json, BundleReadOptions.ForTrial);
            if (!bundle.Succeeded)
            {
                Assert.All(bundle.Problems, problem => Assert.StartsWith("bundle.", problem.Code, StringComparison.Ordinal));
                return;
            }

            var rules = RuleSet.Compile(bundle.Value).Value!;
            foreach (var context in Contexts)
            {
                var decision = rules.Decide(new DecisionRequest("x.y", context, DateTimeOffset.UnixEpoch));
                Assert.False(decision.IsError && decision.Allowed);
            }

            decided++;
        });
        Assert.True(decided > 1_000, $"{decided}");
    }

    private static byte[] Signed(string json) => BundleSigner.Sign(BundleSigner.Sign(Encoding.UTF8.GetBytes(json), "alice", Alice), "carol", Carol);
}
