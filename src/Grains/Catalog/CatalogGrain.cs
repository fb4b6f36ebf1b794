using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Grains.Catalog;

/// <summary>Publishes a tenant's bundles, moves its tags, keeps its trust root. It holds nothing: the store's rows are small and its guards are exact.</summary>
[GrainType("policy.catalog")]
internal sealed class CatalogGrain(
    ICatalogStore catalog,
    IRolloutStore store,
    ChangeCommitter committer,
    RunProposals runs,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
    ILogger<CatalogGrain> logger)
    : StoreBackedGrain(logger), ICatalogGrain
{
    // Tags that say what a fleet runs or ran: one of the tenant alone would mean nothing.
    private static readonly ImmutableArray<string> FleetTags = ["golden", "previous"];

    private string Tenant => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public Task<Outcome<Published>> PublishAsync(ImmutableArray<byte> content, bool strict, Caller caller) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, () => ProposeBundleAsync(content, strict, caller)));

    /// <inheritdoc/>
    public Task<Outcome<TrustRoot>> SetTrustAsync(TrustRoot root, bool acceptAffected, Caller caller) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, () => ProposeTrustAsync(root, acceptAffected, caller)));

    /// <inheritdoc/>
    public Task<Outcome<TagRecord>> MoveTagAsync(string tag, string? fleet, string reference, string reason, Caller caller) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, () => ProposeTagAsync(tag, fleet, reference, reason, caller)));

    /// <inheritdoc/>
    public Task<Outcome<RecordedRun>> RecordRunAsync(RunRequest request, Caller caller) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, () => runs.RecordAsync(Tenant, request, caller)));

    private async Task<Outcome<Proposal<Published>>> ProposeBundleAsync(ImmutableArray<byte> content, bool strict, Caller caller)
    {
        // What is wrong with the file itself is told first, whatever the trust root.
        var read = BundleReader.Read(content.AsMemory(), new BundleReadOptions { Strict = strict || await catalog.ReadStrictAsync(Tenant) });
        if (!read.Succeeded)
        {
            return read.As<Proposal<Published>>();
        }

        if (await StartableBundles.ReadRootAsync(catalog, Tenant) is not { } root)
        {
            return Outcome<Proposal<Published>>.Fail("trust.unset", "No trust root says whose signatures count.");
        }

        var verified = BundleVerifier.Verify(read.Value, root, SigningUse.Publish);
        if (!verified.Succeeded)
        {
            return verified.As<Proposal<Published>>();
        }

        var now = clock.GetUtcNow();
        var record = verified.Value.ToRecord(now, caller.By.Subject, content.Length);
        if (await catalog.FindBundleAsync(Tenant, record.PolicyHash) is { } existing)
        {
            return Outcome<Proposal<Published>>.Ok(new(new Published(existing, Existed: true)));
        }

        if (await RefuseAsync(record, now) is { } problem)
        {
            return Outcome<Proposal<Published>>.Fail([problem]);
        }

        var answer = new Published(record, Existed: false);
        return Outcome<Proposal<Published>>.Ok(new(answer, new PolicyChange
        {
            Tenant = Tenant,
            Audit = [Draft(caller, now, "bundle.published", "bundles/" + record.PolicyHash, null, ("version", record.Version), ("policy_hash", record.PolicyHash))],
            Operation = Operations.Write(caller, 201, answer),
            Bundle = new BundleWrite(record, content),
        })
        { Admission = new AdmissionDemand(AdmissionDemand.PublishBundle, Operator: caller.By.Subject) });
    }

    private async Task<Problem?> RefuseAsync(BundleRecord record, DateTimeOffset now)
    {
        if (await catalog.FindBundleAsync(Tenant, record.Version) is not null)
        {
            return new Problem("bundle.version_taken", $"Version {record.Version} names another bundle.", "$.metadata.version");
        }

        return await StartableBundles.CheckAsync(catalog, Tenant, record, now);
    }

    private async Task<Outcome<Proposal<TrustRoot>>> ProposeTrustAsync(TrustRoot root, bool acceptAffected, Caller caller)
    {
        var current = await StartableBundles.ReadRootAsync(catalog, Tenant);
        if (current is not null && AsJson(current) == AsJson(root))
        {
            return Outcome<Proposal<TrustRoot>>.Ok(new(current));
        }

        var checkedRoot = current is null ? TrustRoots.Validate(root) : TrustRoots.Follow(current, root);
        if (!checkedRoot.Succeeded)
        {
            return checkedRoot.As<Proposal<TrustRoot>>();
        }

        if (current is null && !(await catalog.ListBundlesAsync(Tenant, 1)).IsEmpty)
        {
            return Outcome<Proposal<TrustRoot>>.Fail("trust.locked", "The first trust root must come before the first bundle.");
        }

        var affected = current is null ? [] : await new AffectedFleets(store, catalog).FindAsync(Tenant, current, checkedRoot.Value);
        if (!affected.IsEmpty && !acceptAffected)
        {
            return Outcome<Proposal<TrustRoot>>.Fail(affected);
        }

        var now = clock.GetUtcNow();
        var answer = checkedRoot.Value;
        var keys = string.Join(' ', answer.Keys.Select(key => $"{key.KeyId}:{key.State}").Order(StringComparer.Ordinal));
        return Outcome<Proposal<TrustRoot>>.Ok(new(answer, new PolicyChange
        {
            Tenant = Tenant,
            Audit = [Draft(caller, now, "trust.set", $"trust/{answer.Version}", null, ("keys", keys), ("threshold", $"{answer.Threshold}"), ("bundles_affected", $"{affected.Length}"))],
            Operation = Operations.Write(caller, 200, answer),
            TrustRoot = new TrustRootWrite(answer.Version, AsJson(answer)),
        }));
    }

    private async Task<Outcome<Proposal<TagRecord>>> ProposeTagAsync(string tag, string? fleet, string reference, string reason, Caller caller)
    {
        if (Names.Check(tag, "A tag", "$.tag") is { } badName)
        {
            return Outcome<Proposal<TagRecord>>.Fail([badName]);
        }

        if (fleet is null && FleetTags.Contains(tag))
        {
            return Outcome<Proposal<TagRecord>>.Fail("tag.fleet_required", $"'{tag}' is a fleet's tag: name the fleet.", "$.fleet");
        }

        if (fleet is not null && await store.ReadFleetAsync(Tenant, fleet) is null)
        {
            return Outcome<Proposal<TagRecord>>.Fail("fleet.unknown", $"There is no fleet '{fleet}'.", "$.fleet");
        }

        if (await catalog.FindBundleAsync(Tenant, reference) is not { } bundle)
        {
            return Outcome<Proposal<TagRecord>>.Fail("bundle.unknown", $"No bundle is known as '{reference}'.", "$.ref");
        }

        var now = clock.GetUtcNow();
        var answer = new TagRecord(tag, fleet, bundle.PolicyHash, reason, caller.By.Subject, now);
        var subject = fleet is null ? $"tags/{tag}" : $"fleets/{fleet}/tags/{tag}";
        return Outcome<Proposal<TagRecord>>.Ok(new(answer, new PolicyChange
        {
            Tenant = Tenant,
            Audit = [Draft(caller, now, "tag.moved", subject, reason, ("policy_hash", bundle.PolicyHash), ("version", bundle.Version))],
            Operation = Operations.Write(caller, 200, answer),
            Tags = [answer],
        })
        { Admission = new AdmissionDemand(AdmissionDemand.MoveTag, fleet, caller.By.Subject) });
    }

    private static string AsJson(TrustRoot root) => JsonSerializer.Serialize(root, PolicyJson.Options);

    private static AuditDraft Draft(
        Caller caller, DateTimeOffset at, string action, string subject, string? reason, params ReadOnlySpan<(string Name, string Value)> detail)
    {
        var facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in detail)
        {
            facts[name] = value;
        }

        return new AuditDraft
        {
            At = at,
            Actor = caller.By.Subject,
            Interface = caller.By.Interface,
            Action = action,
            Subject = subject,
            Reason = reason,
            Detail = facts.ToImmutable(),
        };
    }
}
