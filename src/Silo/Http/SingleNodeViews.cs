using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OrleansPolicy.Bundles;
using OrleansPolicy.Client;
using OrleansPolicy.Decisions;
using OrleansPolicy.Fleets;

namespace OrleansPolicy.Silo.Http;

/// <summary>A decision of node <c>local</c>.</summary>
public sealed record LocalDecision(string CapabilityId, Decision Decision, string PolicyVersion, string PolicyHash, long Epoch, DateTimeOffset Timestamp)
{
    /// <summary>True where it was made under what was kept from before a restart, and nothing was heard since.</summary>
    public bool? Offline { get; init; }

    internal static LocalDecision Of(DecisionInput input, NodeDecision made) => new(
        input.CapabilityId, made.Decision, made.PolicyVersion!, made.PolicyHash!, made.Epoch, made.Timestamp)
    {
        Offline = made.Offline ? true : null,
    };
}

/// <summary>The rules in force.</summary>
public sealed record LocalRules(bool Ok, ImmutableArray<JsonObject> Rules, int Count)
{
    /// <summary>The version in force; null: none is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PolicyVersion { get; init; }

    /// <summary>Its hash.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PolicyHash { get; init; }

    internal static LocalRules Of(Bundle? bundle)
    {
        var rules = bundle is null ? [] : bundle.Rules.Select(rule => Show(rule, bundle.Form)).ToImmutableArray();
        return new LocalRules(true, rules, rules.Length) { PolicyVersion = bundle?.Metadata.Version, PolicyHash = bundle?.PolicyHash };
    }

    // A policy of a unison bundle is shown as the rule that it stands for, as unison shows it; every other rule as it was written.
    private static JsonObject Show(Rule rule, BundleForm form)
    {
        var source = JsonObject.Create(rule.Source) ?? [];
        if (form != BundleForm.Unison)
        {
            return source;
        }

        var conditions = source["conditions"] as JsonObject;
        source["match"] = new JsonObject
        {
            ["intent_prefix"] = rule.Id,
            ["auth_scope"] = null,
            ["safety_context"] = new JsonObject { ["data_classification"] = conditions?["data_classification"]?.DeepClone() },
            ["time_window"] = conditions?["time_restrictions"]?.DeepClone() ?? new JsonObject(),
            ["persons"] = null,
        };
        source["decision"] = new JsonObject
        {
            ["action"] = source["effect"]?.DeepClone(),
            ["reason"] = rule.Reason,
            ["suggested_alternative"] = rule.SuggestedAlternative,
        };
        return source;
    }
}

/// <summary>The bundle in force.</summary>
public sealed record LocalBundle
{
    /// <summary>Whether there is one.</summary>
    public required bool BundleLoaded { get; init; }

    /// <summary>The author's id.</summary>
    public string? BundleId { get; init; }

    /// <summary>The version.</summary>
    public string? Version { get; init; }

    /// <summary>When it was issued.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>Who issued it.</summary>
    public string? Issuer { get; init; }

    /// <summary>When it was put in force here.</summary>
    public DateTimeOffset? LoadedAt { get; init; }

    /// <summary>How many rules it has.</summary>
    public int? PoliciesCount { get; init; }

    /// <summary>Always true: nothing else is ever in force.</summary>
    public bool? SignatureVerified { get; init; }

    /// <summary>Its hash.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>The epoch it is in force under.</summary>
    public long? Epoch { get; init; }

    /// <summary>True where it was kept from before a restart, and nothing was heard since.</summary>
    public bool? Offline { get; init; }

    internal static LocalBundle Of(PolicyNode? node) => node is { Bundle: { } bundle, Status: var status }
        ? new LocalBundle
        {
            BundleLoaded = true,
            BundleId = bundle.Metadata.BundleId,
            Version = bundle.Metadata.Version,
            IssuedAt = bundle.Metadata.IssuedAt,
            Issuer = bundle.Metadata.Issuer,
            LoadedAt = status.LoadedAt,
            PoliciesCount = bundle.Rules.Length,
            SignatureVerified = true,
            PolicyHash = bundle.PolicyHash,
            Epoch = status.Epoch,
            Offline = status.Offline ? true : null,
        }
        : new LocalBundle { BundleLoaded = false };
}

/// <summary>The last reloads.</summary>
/// <param name="History">Newest first, at most ten.</param>
public sealed record ReloadHistory(ImmutableArray<ReloadEntry> History)
{
    internal static ReloadHistory Of(ReloadCounts? reloads) => new([.. (reloads?.History ?? []).Select(ReloadEntry.Of)]);
}

/// <summary>One reload of the past.</summary>
public sealed record ReloadEntry(DateTimeOffset Timestamp, bool Success, double DurationMs, int PoliciesLoaded)
{
    /// <summary>The version that was put in force; null on failure.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Version { get; init; }

    /// <summary>Why it failed; null on success.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Error { get; init; }

    /// <summary>Which part was at fault.</summary>
    public string? Code { get; init; }

    /// <summary>The hash in force after it.</summary>
    public string? PolicyHash { get; init; }

    internal static ReloadEntry Of(ReloadRecord record) => new(record.At, record.Success, Math.Round(record.DurationMs, 2), record.Rules)
    {
        Version = record.Success ? record.Version : null,
        Error = record.Error,
        Code = record.Code,
        PolicyHash = record.PolicyHash,
    };
}

/// <summary>All reloads since the process began: true counts, not those of the last ten.</summary>
public sealed record ReloadStats(long TotalReloads, long SuccessfulReloads, long FailedReloads, double SuccessRate, double AvgDurationMs)
{
    /// <summary>The last one; null: there was none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ReloadEntry? LastReload { get; init; }

    internal static ReloadStats Of(ReloadCounts? reloads) => reloads is null or { Attempts: 0 }
        ? new ReloadStats(0, 0, 0, 0, 0)
        : new ReloadStats(
            reloads.Attempts, reloads.Succeeded, reloads.Failed, Math.Round(100.0 * reloads.Succeeded / reloads.Attempts, 2),
            Math.Round(reloads.DurationMs / reloads.Attempts, 2))
        {
            LastReload = ReloadEntry.Of(reloads.History[0]),
        };
}

/// <summary>What became of a reload.</summary>
public sealed record ReloadAnswer(bool Success, string Version, double DurationMs, int PoliciesLoaded, string PolicyHash, long Epoch)
{
    /// <summary>Always null: a failure is a problem, which has it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Error { get; init; }
}

/// <summary>What verifying a bundle found, in unison's words.</summary>
public sealed record FileVerdict(bool Valid)
{
    /// <summary>The author's id.</summary>
    public string? BundleId { get; init; }

    /// <summary>The version.</summary>
    public string? Version { get; init; }

    /// <summary>When it was issued.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>Who issued it.</summary>
    public string? Issuer { get; init; }

    /// <summary>How many rules it has.</summary>
    public int? PoliciesCount { get; init; }

    /// <summary>Its hash.</summary>
    public string? PolicyHash { get; init; }

    /// <summary>What is wrong, in a sentence.</summary>
    public string? Error { get; init; }

    /// <summary>Everything that is wrong.</summary>
    public ImmutableArray<Problem>? Errors { get; init; }

    internal static FileVerdict Of(Outcome<Bundle> verified) => verified.Succeeded
        ? new FileVerdict(true)
        {
            BundleId = verified.Value.Metadata.BundleId,
            Version = verified.Value.Metadata.Version,
            IssuedAt = verified.Value.Metadata.IssuedAt,
            Issuer = verified.Value.Metadata.Issuer,
            PoliciesCount = verified.Value.Rules.Length,
            PolicyHash = verified.Value.PolicyHash,
        }
        : new FileVerdict(false) { Error = verified.Problems[0].Message, Errors = verified.Problems };
}
