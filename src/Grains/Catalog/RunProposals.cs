using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Grains.Catalog;

/// <summary>What recording a run would write. Reads the truth, writes nothing.</summary>
internal sealed class RunProposals(
    ICatalogStore catalog, IRolloutStore store, [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    /// <summary>The fleet whose policy counts where nobody names one.</summary>
    private const string DefaultFleet = "default";

    /// <summary>Ties the run to the policy that it names or that its fleet should run, and to the tags as they stand.</summary>
    public async Task<Outcome<Proposal<RecordedRun>>> RecordAsync(string tenant, RunRequest request, Caller caller)
    {
        var problems = request.Check();
        if (!problems.IsEmpty)
        {
            return Outcome<Proposal<RecordedRun>>.Fail(problems);
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, PolicyJson.Options)));
        if (await catalog.FindRunAsync(tenant, request.RunId!) is { } known)
        {
            return known.RequestHash == hash
                ? Outcome<Proposal<RecordedRun>>.Ok(new(new RecordedRun(known.Record, Existed: true)))
                : Outcome<Proposal<RecordedRun>>.Fail("run.exists", $"Run {request.RunId} was recorded with something else; evidence is never changed.", "$.run_id");
        }

        var fleet = await store.ReadFleetAsync(tenant, request.Fleet ?? DefaultFleet);
        if (fleet is null && request.Fleet is not null)
        {
            return Outcome<Proposal<RecordedRun>>.Fail("fleet.unknown", $"There is no fleet '{request.Fleet}'.", "$.fleet");
        }

        var reference = request.PolicyHash ?? request.Ref ?? fleet?.Directive.Target;
        var bundle = reference is null ? null : await catalog.FindBundleAsync(tenant, reference);
        if (bundle is null && reference is not null)
        {
            return Outcome<Proposal<RecordedRun>>.Fail(
                "bundle.unknown", $"No bundle is known as '{reference}'.", request.Ref is null ? "$.policy_hash" : "$.ref");
        }

        var run = new RunRecord
        {
            RunId = request.RunId!,
            PolicyHash = bundle?.PolicyHash,
            PolicyVersion = bundle?.Version,
            DocumentHash = bundle?.DocumentHash,
            RegistryHash = request.RegistryHash,
            Fleet = fleet?.Fleet,
            Epoch = fleet?.Directive.Epoch,
            Tags = await catalog.ListTagsInForceAsync(tenant, fleet?.Fleet),
            Labels = request.Labels,
            StartedAt = request.StartedAt?.ToUniversalTime(),
            RecordedAt = clock.GetUtcNow(),
            RecordedBy = caller.By.Subject,
        };
        var answer = new RecordedRun(run, Existed: false);
        return Outcome<Proposal<RecordedRun>>.Ok(new(answer, new PolicyChange
        {
            Tenant = tenant,
            Audit = [Entry(run, bundle, caller)],
            Operation = Operations.Write(caller, 201, answer),
            Run = new RunWrite(run, hash),
        }));
    }

    private static AuditDraft Entry(RunRecord run, BundleRecord? bundle, Caller caller)
    {
        var facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in new[] { ("policy_hash", bundle?.PolicyHash), ("version", bundle?.Version), ("registry_hash", run.RegistryHash), ("fleet", run.Fleet) })
        {
            if (value is not null)
            {
                facts[name] = value;
            }
        }

        return new AuditDraft
        {
            At = run.RecordedAt,
            Actor = caller.By.Subject,
            Interface = caller.By.Interface,
            Action = "run.recorded",
            Subject = "runs/" + run.RunId,
            Detail = facts.ToImmutable(),
        };
    }
}
