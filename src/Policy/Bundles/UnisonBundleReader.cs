using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Bundles;

/// <summary>
/// Reads unison's bundles. The structure is what unison checks, with its sentences; beyond that an unknown effect, a version that
/// is null and conditions that could never be evaluated are refused.
/// </summary>
internal sealed class UnisonBundleReader(ProblemList problems, BundleReadOptions options)
{
    private static readonly HashSet<string> Fields = ["metadata", "policies", "signature"];

    private static readonly HashSet<string> PolicyFields = ["id", "name", "description", "effect", "conditions", "priority", "enabled"];

    private readonly RuleReadContext context = new(problems, options.Strict, default, new PathTable());

    /// <summary>The bundle without its hash; what is wrong is in the list of problems.</summary>
    public Bundle Read(JsonElement root)
    {
        RuleFields.RefuseUnknown(root, Fields, JsonPlace.Root, context);
        return new Bundle
        {
            Form = BundleForm.Unison,
            Kind = BundleKind.Rules,
            PolicyHash = "",
            Metadata = ReadMetadata(root),
            Rules = ReadPolicies(root),
            Signatures = ReadSignature(root),
            Paths = context.Paths,
        };
    }

    private BundleMetadata ReadMetadata(JsonElement root)
    {
        var unread = new BundleMetadata { BundleId = "", Version = "" };
        if (!root.TryGetProperty("metadata", out var metadata) || !PythonValue.IsTruthy(metadata))
        {
            problems.Add("bundle.metadata", "Bundle missing metadata", "$.metadata");
            return unread;
        }

        if (metadata.ValueKind != JsonValueKind.Object)
        {
            problems.Add("bundle.metadata", "Bundle metadata must be a dictionary", "$.metadata");
            return unread;
        }

        foreach (var name in (string[])["bundle_id", "version", "issued_at"])
        {
            if (!metadata.TryGetProperty(name, out _))
            {
                problems.Add("bundle.metadata." + name, "Bundle metadata missing required field: " + name, "$.metadata." + name);
            }
        }

        if (metadata.TryGetProperty("version", out var version) && version.ValueKind is JsonValueKind.Null or JsonValueKind.Object or JsonValueKind.Array)
        {
            problems.Add("bundle.metadata.version", "The version is a text.", "$.metadata.version");
        }

        return new BundleMetadata
        {
            BundleId = TextOf(metadata, "bundle_id") ?? "",
            Version = TextOf(metadata, "version") ?? "",
            IssuedAt = Rfc3339.TryParse(TextOf(metadata, "issued_at"), out var issuedAt) ? issuedAt : null,
            Issuer = TextOf(metadata, "issuer"),
        };
    }

    private ImmutableArray<Rule> ReadPolicies(JsonElement root)
    {
        if (!root.TryGetProperty("policies", out var policies) || policies.ValueKind == JsonValueKind.Null)
        {
            problems.Add("bundle.policies", "Bundle missing policies field", "$.policies");
            return [];
        }

        if (policies.ValueKind != JsonValueKind.Array)
        {
            problems.Add("bundle.policies", "Bundle policies must be a list", "$.policies");
            return [];
        }

        if (policies.GetArrayLength() is 0 or > BundleLimits.RulesMax)
        {
            var (code, message) = policies.GetArrayLength() == 0
                ? ("bundle.empty", "Bundle contains no policies")
                : ("bundle.too_many_rules", $"A bundle has at most {BundleLimits.RulesMax} rules.");
            problems.Add(code, message, "$.policies");
            return [];
        }

        // Signed, unison passes over a match. Unsigned, it is one of our bundles that does not say so, and would mean something else.
        var isSigned = root.TryGetProperty("signature", out _);
        return [.. policies.EnumerateArray().Select((policy, i) => ReadPolicy(policy.Clone(), i, isSigned))];
    }

    private Rule ReadPolicy(JsonElement policy, int position, bool isSigned)
    {
        var path = JsonPlace.Root.Member("policies").Item(position);
        var unread = new Rule { Id = "", Position = position, Effect = RuleEffect.Deny, Reason = "" };
        if (policy.ValueKind != JsonValueKind.Object)
        {
            context.Refuse("bundle.rule.type", $"Policy {position} is not a dictionary", path);
            return unread;
        }

        if (!isSigned && (policy.TryGetProperty("match", out _) || policy.TryGetProperty("decision", out _)))
        {
            context.Refuse("bundle.rule.form", "A rule with a match or a decision stands in a native bundle: say so with metadata.kind.", path);
        }

        RuleFields.RefuseUnknown(policy, PolicyFields, path, context);
        var id = TextOf(policy, "id");
        if (string.IsNullOrEmpty(id))
        {
            // An id that is there but empty would be the prefix of everything.
            context.Refuse("bundle.rule.id_missing", $"Policy {position} missing 'id' field", path.Member("id"));
        }

        if (!policy.TryGetProperty("effect", out _))
        {
            context.Refuse("bundle.rule.effect", $"Policy {position} missing 'effect' field", path.Member("effect"));
            return unread;
        }

        return new Rule
        {
            Id = id ?? "",
            Position = position,
            Effect = RuleReader.ReadEffect(policy, "effect", "bundle.rule.effect", path, context),
            Reason = TextOf(policy, "description") ?? $"policy:{id}",
            Source = policy,
            Conditions = ReadConditions(policy, id ?? "", path),
        };
    }

    // Of a policy's conditions unison evaluates two; the others only describe.
    private ImmutableArray<Condition> ReadConditions(JsonElement policy, string id, JsonPlace path)
    {
        var conditions = ImmutableArray.CreateBuilder<Condition>();
        conditions.Add(new CapabilityCondition(new CapabilitySet([], [id])));
        if (!policy.TryGetProperty("conditions", out var given))
        {
            return conditions.ToImmutable();
        }

        if (given.ValueKind != JsonValueKind.Object)
        {
            context.Refuse("bundle.rule.conditions", "conditions is an object.", path.Member("conditions"));
            return [];
        }

        var reader = new UnisonMatchReader(context, isNative: false);
        if (given.TryGetProperty("time_restrictions", out var window)
            && reader.ReadTimeWindow(window, path.Member("conditions").Member("time_restrictions")) is { } time)
        {
            conditions.Add(time);
        }

        if (given.TryGetProperty("data_classification", out var value)
            && reader.ReadClassification(value, path.Member("conditions").Member("data_classification")) is { } classification)
        {
            conditions.Add(classification);
        }

        return conditions.ToImmutable();
    }

    private ImmutableArray<BundleSignature> ReadSignature(JsonElement root)
    {
        var isThere = root.TryGetProperty("signature", out var signature);
        if (!isThere || !PythonValue.IsTruthy(signature))
        {
            if (!options.AllowUnsigned)
            {
                problems.Add("bundle.unsigned", "Bundle missing signature", "$.signature");
            }

            return [];
        }

        if (signature.ValueKind != JsonValueKind.Object)
        {
            problems.Add("bundle.signature.type", "Bundle signature must be a dictionary", "$.signature");
            return [];
        }

        return [new BundleSignature(
            TextOf(signature, "key_id") ?? "", TextOf(signature, "algorithm") ?? "", TextOf(signature, "signature_b64") ?? "")
        {
            Hash = TextOf(signature, "hash"),
        }];
    }

    private static string? TextOf(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? PythonValue.TextOf(value) : null;
}
