using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Bundles;

/// <summary>Reads the structure of native bundles and notes everything wrong with it.</summary>
internal sealed class NativeBundleReader(ProblemList problems, BundleReadOptions options)
{
    private const long SequenceMax = 1L << 53; // Beyond it not every integer is a double.
    private const int TextLengthMax = 500;

    private static readonly HashSet<string> Fields = ["metadata", "policies", "data", "document", "schema", "signatures"];

    private static readonly HashSet<string> MetadataFields =
        ["bundle_id", "version", "issued_at", "expires_at", "issuer", "sequence", "kind", "default_effect", "description", "labels"];

    private readonly RuleReadContext fields = new(problems, options.Strict, default, new PathTable());

    /// <summary>The bundle without its hash; what is wrong is in the list of problems.</summary>
    public Bundle Read(JsonElement root)
    {
        RuleFields.RefuseUnknown(root, Fields, JsonPlace.Root, fields);
        var metadata = ReadObject(root, "metadata");
        var kind = ReadKind(metadata);
        var bundle = new Bundle
        {
            Form = BundleForm.Native,
            Kind = kind,
            PolicyHash = "",
            Metadata = ReadMetadata(metadata),
            Signatures = ReadSignatures(root),
        };
        return kind == BundleKind.Document ? ReadDocument(root, bundle) : ReadRules(root, bundle);
    }

    private JsonElement ReadObject(JsonElement root, string name)
    {
        if (root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object)
        {
            return value;
        }

        problems.Add("bundle.metadata", "A bundle has an object metadata.", "$." + name);
        return JsonElement.Parse("{}"u8);
    }

    private string ReadKind(JsonElement metadata)
    {
        if (!metadata.TryGetProperty("kind", out var value))
        {
            return BundleKind.Rules;
        }

        var kind = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        if (kind is not (BundleKind.Rules or BundleKind.Document))
        {
            problems.Add("bundle.metadata.kind", "kind is rules or document.", "$.metadata.kind");
        }

        return kind ?? BundleKind.Rules;
    }

    private BundleMetadata ReadMetadata(JsonElement metadata)
    {
        RuleFields.RefuseUnknown(metadata, MetadataFields, JsonPlace.Root.Member("metadata"), fields);
        var version = ReadText(metadata, "version");
        if (!SemVer.IsValid(version))
        {
            problems.Add("bundle.metadata.version", "version is a SemVer such as 1.4.0.", "$.metadata.version");
        }

        var issuedAt = ReadTime(metadata, "issued_at", isRequired: true);
        var expiresAt = ReadTime(metadata, "expires_at", isRequired: false);
        if (expiresAt <= issuedAt)
        {
            problems.Add("bundle.metadata.expires_at", "expires_at is after issued_at.", "$.metadata.expires_at");
        }

        return new BundleMetadata
        {
            BundleId = ReadRequiredText(metadata, "bundle_id"),
            Version = version ?? "",
            IssuedAt = issuedAt,
            ExpiresAt = expiresAt,
            Issuer = ReadRequiredText(metadata, "issuer"),
            Sequence = ReadSequence(metadata),
            DefaultEffect = ReadDefaultEffect(metadata),
        };
    }

    private static string? ReadText(JsonElement metadata, string name) =>
        metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private string ReadRequiredText(JsonElement metadata, string name)
    {
        var text = ReadText(metadata, name);
        if (string.IsNullOrWhiteSpace(text) || text.Length > TextLengthMax)
        {
            problems.Add("bundle.metadata." + name, $"{name} is a text of 1 to {TextLengthMax} characters.", "$.metadata." + name);
        }

        return text ?? "";
    }

    private DateTimeOffset? ReadTime(JsonElement metadata, string name, bool isRequired)
    {
        if (!isRequired && !metadata.TryGetProperty(name, out _))
        {
            return null;
        }

        if (Rfc3339.TryParse(ReadText(metadata, name), out var time))
        {
            return time;
        }

        problems.Add("bundle.metadata." + name, $"{name} is an RFC 3339 time such as 2026-01-31T12:00:00Z.", "$.metadata." + name);
        return null;
    }

    private long? ReadSequence(JsonElement metadata)
    {
        if (!metadata.TryGetProperty("sequence", out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var sequence) && sequence is >= 0 and <= SequenceMax)
        {
            return sequence;
        }

        problems.Add("bundle.metadata.sequence", string.Create(CultureInfo.InvariantCulture, $"sequence is an integer from 0 to {SequenceMax}."), "$.metadata.sequence");
        return null;
    }

    private DefaultEffect? ReadDefaultEffect(JsonElement metadata)
    {
        if (!metadata.TryGetProperty("default_effect", out var value))
        {
            return null;
        }

        switch (value.ValueKind == JsonValueKind.String ? value.GetString() : null)
        {
            case "allow":
                return DefaultEffect.Allow;
            case "deny":
                return DefaultEffect.Deny;
            default:
                problems.Add("bundle.metadata.default_effect", "default_effect is deny or allow.", "$.metadata.default_effect");
                return null;
        }
    }

    private Bundle ReadRules(JsonElement root, Bundle bundle)
    {
        var written = RuleFields.Optional(root, "data", JsonValueKind.Object, "bundle.data", JsonPlace.Root, fields);
        var data = written.ValueKind == JsonValueKind.Undefined ? default : written.Clone();
        if (!root.TryGetProperty("policies", out var policies) || policies.ValueKind != JsonValueKind.Array)
        {
            problems.Add("bundle.policies", "A bundle of kind rules has a list policies.", "$.policies");
            return bundle;
        }

        var known = KnownRules.Of(options, data);
        var context = new RuleReadContext(problems, options.Strict, data, known?.Paths ?? new PathTable());
        return bundle with
        {
            Rules = RuleReader.ReadAll(policies, JsonPlace.Root.Member("policies"), context, known),
            Data = data,
            Paths = context.Paths,
        };
    }

    private Bundle ReadDocument(JsonElement root, Bundle bundle)
    {
        if (root.TryGetProperty("policies", out _))
        {
            problems.Add("bundle.document.policies", "A bundle of kind document has no policies: nothing would apply them.", "$.policies");
        }

        if (!root.TryGetProperty("document", out var document))
        {
            problems.Add("bundle.document", "A bundle of kind document has a document.", "$.document");
            return bundle;
        }

        if (root.TryGetProperty("schema", out var schema))
        {
            var compiled = DocumentSchema.Compile(schema);
            problems.AddRange(compiled.Succeeded ? compiled.Value.Validate(document) : compiled.Problems);
        }

        return bundle with { Document = document.Clone(), DocumentHash = BundleReader.HashOf(document) };
    }

    private ImmutableArray<BundleSignature> ReadSignatures(JsonElement root)
    {
        var list = RuleFields.Optional(root, "signatures", JsonValueKind.Array, "bundle.signature.list", JsonPlace.Root, fields);
        var count = list.ValueKind == JsonValueKind.Array ? list.GetArrayLength() : 0;
        if (count == 0 && !options.AllowUnsigned)
        {
            problems.Add("bundle.unsigned", "The bundle carries no signature.", "$.signatures");
        }

        if (count > BundleLimits.SignaturesMax)
        {
            problems.Add("bundle.signature.list", $"A bundle has at most {BundleLimits.SignaturesMax} signatures.", "$.signatures");
            count = 0;
        }

        return [.. Enumerable.Range(0, count).Select(i => ReadSignature(list[i], $"$.signatures[{i}]")).OfType<BundleSignature>()];
    }

    private BundleSignature? ReadSignature(JsonElement signature, string path)
    {
        if (signature.ValueKind != JsonValueKind.Object
            || ReadText(signature, "key_id") is not { Length: > 0 } keyId
            || ReadText(signature, "sig") is not { } sig
            || ReadText(signature, "algorithm") is not { } algorithm)
        {
            problems.Add("bundle.signature.fields", "A signature is an object {key_id, algorithm, sig} of texts.", path);
            return null;
        }

        if (algorithm is not (SignatureAlgorithm.Es256 or SignatureAlgorithm.Ps256))
        {
            problems.Add("bundle.signature.algorithm", "The algorithm is ES256 or PS256.", path + ".algorithm");
        }

        return new BundleSignature(keyId, algorithm, sig);
    }
}
