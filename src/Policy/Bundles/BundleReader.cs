using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using OrleansPolicy.Decisions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Bundles;

/// <summary>Reads bundles: their structure, rules and hashes, and everything wrong with them at once. Signatures are not verified here.</summary>
public static class BundleReader
{
    /// <summary>What a bare list of rules is called.</summary>
    public const string RuleListVersion = "0.0.0";

    // From this size on a second processor takes less time than it costs to ask it.
    private const int BothAtOnceFromBytes = 1024 * 1024;

    /// <summary>
    /// Reads a bundle. What is no JSON object, or repeats a member, fails with <c>bundle.malformed</c> alone; the other codes are
    /// <c>bundle.too_large</c>, <c>bundle.too_deep</c>, <c>bundle.surrogate</c>, <c>bundle.number</c>, <c>bundle.unsigned</c>,
    /// <c>bundle.signature.*</c>, <c>bundle.metadata.*</c>, <c>bundle.policies</c>, <c>bundle.empty</c>, <c>bundle.data</c>,
    /// <c>bundle.document*</c>, <c>bundle.schema*</c>, <c>bundle.unknown_field</c>, <c>bundle.rule.*</c> (docs/BUNDLE_FORMAT.md).
    /// </summary>
    public static Outcome<Bundle> Read(ReadOnlyMemory<byte> json, BundleReadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (json.Length > BundleLimits.SizeBytesMax)
        {
            return Outcome<Bundle>.Fail("bundle.too_large", $"A bundle has at most {BundleLimits.SizeBytesMax} bytes, this one has {json.Length}.");
        }

        JsonDocument? passing = null;
        try
        {
            return TryParse(json, options, ref passing) is var (root, shownForm)
                ? ReadParsed(json, root, shownForm, options)
                : Outcome<Bundle>.Fail(Renamed(CanonicalJson.TryCanonicalize(json).Problems)); // The canonical writer says where and why.
        }
        finally
        {
            passing?.Dispose();
        }
    }

    private static Outcome<Bundle> ReadParsed(ReadOnlyMemory<byte> json, JsonElement root, BundleForm shownForm, BundleReadOptions options)
    {
        if (root.ValueKind != JsonValueKind.Object && !(options.AllowRuleList && root.ValueKind == JsonValueKind.Array))
        {
            return Outcome<Bundle>.Fail("bundle.malformed", "Bundle must be a dictionary");
        }

        var form = options.AssumeNative && shownForm == BundleForm.Unison && !root.TryGetProperty("signature", out _)
            ? BundleForm.Native
            : shownForm;
        using var writer = WriterOf(form);
        var writing = Canonicalize(writer, json);
        var problems = new ProblemList();
        Bundle? bundle = null;
        try
        {
            bundle = form switch
            {
                BundleForm.Unison => new UnisonBundleReader(problems, options).Read(root),
                BundleForm.Native => new NativeBundleReader(problems, options).Read(root),
                _ => ReadRuleList(root, problems, options),
            };
        }
        catch (Exception) when (!writing.GetAwaiter().GetResult().Succeeded)
        {
            // A text with half a surrogate pair cannot be read, and the canonical writer says where it is.
        }

        var canonical = writing.GetAwaiter().GetResult();
        if (!canonical.Succeeded)
        {
            return Outcome<Bundle>.Fail(Renamed(canonical.Problems));
        }

        if (problems.Count > 0)
        {
            return Outcome<Bundle>.Fail(problems.ToImmutable());
        }

        return Outcome<Bundle>.Ok(bundle! with
        {
            PolicyHash = CanonicalJson.Hash(canonical.Value.Span),
            SignedDigest = form == BundleForm.Native ? [.. Dsse.Digest(Dsse.BundlePayloadType, canonical.Value.Span)] : [],
        });
    }

    // The bytes that are hashed, and whether they can be written exactly. Those of a large bundle are written while its rules are read.
    private static Task<Outcome<ReadOnlyMemory<byte>>> Canonicalize(CanonicalWriter writer, ReadOnlyMemory<byte> json) =>
        json.Length < BothAtOnceFromBytes ? Task.FromResult(writer.Write(json.Span)) : Task.Run(() => writer.Write(json.Span));

    /// <summary>How a bundle is written: unison's with a <c>signature</c>; ours with <c>signatures</c>, a kind or a default effect; else unison's.</summary>
    internal static BundleForm FormOf(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return BundleForm.RuleList;
        }

        if (root.TryGetProperty("signature", out _))
        {
            return BundleForm.Unison;
        }

        return root.TryGetProperty("signatures", out _)
            || (root.TryGetProperty("metadata", out var metadata)
                && metadata.ValueKind == JsonValueKind.Object
                && (metadata.TryGetProperty("kind", out _) || metadata.TryGetProperty("default_effect", out _)))
            ? BundleForm.Native
            : BundleForm.Unison;
    }

    // Writes the bytes that are hashed.
    private static CanonicalWriter WriterOf(BundleForm form) => form == BundleForm.Unison
        ? new CanonicalWriter(CanonicalDialect.Python, new CanonicalOptions { OmitMember = "signature" })
        : new CanonicalWriter(CanonicalDialect.Jcs, new CanonicalOptions { OmitMember = "signatures", ExactNumbers = true });

    // Rules keep parts of the document, which is a copy of its own for that. Beside a bundle from which most rules are taken over it passes:
    // it is read where it lies, and what is new in it is cloned, so that few large arrays are left to the collector and no document lives
    // on for a rule or two.
    private static (JsonElement Root, BundleForm Form)? TryParse(ReadOnlyMemory<byte> json, BundleReadOptions options, ref JsonDocument? passing)
    {
        var limits = new JsonDocumentOptions { MaxDepth = BundleLimits.DepthMax };
        try
        {
            passing = options.Previous is null ? null : JsonDocument.Parse(json, limits);
            var root = passing?.RootElement ?? JsonElement.Parse(json.Span, limits);
            return (root, FormOf(root));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a name with half a surrogate pair in it.
            return null;
        }
    }

    private static Bundle ReadRuleList(JsonElement root, ProblemList problems, BundleReadOptions options)
    {
        var context = new RuleReadContext(problems, options.Strict, default, new PathTable());
        return new Bundle
        {
            Form = BundleForm.RuleList,
            Kind = BundleKind.Rules,
            PolicyHash = "",
            Metadata = new BundleMetadata { BundleId = "rules", Version = RuleListVersion },
            Rules = RuleReader.ReadAll(root, JsonPlace.Root, context, known: null),
            Paths = context.Paths,
        };
    }

    private static ImmutableArray<Problem> Renamed(ImmutableArray<Problem> problems) => [.. problems.Select(p => p with
    {
        Code = p.Code switch
        {
            "json.depth" => "bundle.too_deep",
            "json.surrogate" => "bundle.surrogate",
            "json.number" or "json.number_inexact" => "bundle.number",
            _ => "bundle.malformed",
        },
    })];

    /// <summary>The hash of one member's value alone.</summary>
    internal static string HashOf(JsonElement value) => CanonicalJson.Hash(CanonicalJson.Canonicalize(JsonMarshal.GetRawUtf8Value(value)));
}
