using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Catalog;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Rollouts;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>What a fleet's own changes would be: its settings and its first bundle. Reads the truth, writes nothing.</summary>
internal sealed class FleetProposals(
    IRolloutStore store,
    StartableBundles bundles,
    RolloutChanges changes,
    IOptions<RolloutOptions> options,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock)
{
    // Enough to find the one that is not final: there is at most one.
    private const int RecentRollouts = 10;

    /// <summary>Creates the fleet or changes its settings.</summary>
    public async Task<Outcome<Proposal<FleetSnapshot>>> ConfigureAsync(string tenant, string fleet, FleetSettings settings, Caller caller)
    {
        var problems = Names.Check(fleet, "A fleet", "$.fleet") is { } badName ? [badName] : FleetSettingsRules.Validate(settings);
        if (!problems.IsEmpty)
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail(problems);
        }

        var stored = await store.ReadFleetAsync(tenant, fleet);
        settings = settings with { EarlierLease = EarlierLease.Of(stored?.Settings, settings.MaxStalenessSec, clock.GetUtcNow()) };
        if (stored?.Settings == settings)
        {
            return Outcome<Proposal<FleetSnapshot>>.Ok(new(SnapshotOf(stored)));
        }

        if (stored is not null && stored.Settings.MaxStalenessSec != settings.MaxStalenessSec && await FindInFlightAsync(tenant, fleet) is { } rollout)
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail(
                "rollout.in_flight", $"The lease cannot change while rollout {rollout.RolloutId} is in flight.", "$.max_staleness_sec");
        }

        var answer = new FleetSnapshot
        {
            Tenant = tenant,
            Fleet = fleet,
            Settings = settings,
            Directive = stored?.Directive ?? new Directive { Epoch = 0 },
            Revision = (stored?.Revision ?? 0) + 1,
            Arms = stored?.Arms ?? FleetArms.None,
            Created = stored is null,
        };
        return Outcome<Proposal<FleetSnapshot>>.Ok(new(answer, new PolicyChange
        {
            Tenant = tenant,
            Audit =
            [
                Entry(caller, stored is null ? "fleet.created" : "fleet.configured", $"fleets/{fleet}", null, [
                    new("settings", JsonSerializer.Serialize(settings, PolicyJson.Options)),
                ]),
            ],
            Operation = Operations.Write(caller, stored is null ? 201 : 200, answer),
            Fleet = new FleetWrite(fleet, settings, Creates: stored is null, stored?.Revision)
            {
                ChangesArming = stored is not null && stored.Settings.RequiresArmed != settings.RequiresArmed,
            },
        }));
    }

    /// <summary>The fleet's first bundle, or another one while no node of it may serve.</summary>
    public async Task<Outcome<Proposal<FleetSnapshot>>> SetBaselineAsync(
        string tenant, string fleet, string reference, string reason, bool whileDisarmed, int registeredNodes, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, fleet) is not { } stored)
        {
            return Unknown<Proposal<FleetSnapshot>>(fleet);
        }

        var running = FileDirective.Holds(stored.Directive) ? null : stored.Directive.Target;
        if (running is not null && await CheckReplacementAsync(stored, running, whileDisarmed) is { } inTheWay)
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail([inTheWay]);
        }

        var now = clock.GetUtcNow();
        var bundle = await bundles.FindAsync(tenant, reference, now);
        if (!bundle.Succeeded)
        {
            return bundle.As<Proposal<FleetSnapshot>>();
        }

        if (running is not null && (await store.ListQuarantineAsync(tenant, fleet)).Any(held => held.PolicyHash == bundle.Value.PolicyHash))
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail(
                RolloutProblems.Quarantined, $"The fleet is not offered {reference} again until it is released from quarantine.", "$.ref");
        }

        var rolloutId = BaselineId(tenant, running is null ? fleet : $"{fleet} {stored.Directive.Epoch}");
        var decided = changes.Decide(null, new RolloutCommand.SetBaseline(
            tenant, rolloutId, fleet, bundle.Value.PolicyHash, reason, caller.By, options.Value.HourSeconds,
            RolloutChanges.SaltOf(tenant, rolloutId), stored.Directive, registeredNodes)
        { IsDisarmed = running is not null }, null);
        if (!decided.Succeeded)
        {
            return decided.As<Proposal<FleetSnapshot>>();
        }

        var directive = decided.Value.Directive
            ?? throw new InvalidOperationException("A baseline that leaves the directive as it was is none.");
        var answer = SnapshotOf(stored) with { Directive = directive, Revision = stored.Revision + 1 };
        return Outcome<Proposal<FleetSnapshot>>.Ok(new(answer, decided.Value.ToChange(Operations.Write(caller, 200, answer)))
        {
            Admission = new AdmissionDemand(AdmissionDemand.SetBaseline, fleet, caller.By.Subject),
        });
    }

    /// <summary>A file in the place of what the fleet ran before: nothing, or another file.</summary>
    public async Task<Outcome<Proposal<FleetSnapshot>>> LoadFileAsync(
        string tenant, string fleet, VerifiedFile file, ImmutableArray<string> nodes, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, fleet) is not { } stored)
        {
            return Unknown<Proposal<FleetSnapshot>>(fleet);
        }

        var loaded = FileDirective.Load(stored.Directive, file.PolicyHash, file.Version, file.KnownEpoch);
        if (!loaded.Succeeded)
        {
            return loaded.As<Proposal<FleetSnapshot>>();
        }

        if (FileDirective.Check(nodes) is { } refused)
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail([refused]);
        }

        var answer = SnapshotOf(stored) with { Directive = loaded.Value, Revision = stored.Revision + 1 };
        return Outcome<Proposal<FleetSnapshot>>.Ok(new(answer, new PolicyChange
        {
            Tenant = tenant,
            Audit =
            [
                Entry(caller, "fleet.file_loaded", $"fleets/{fleet}", null, [
                    new("file", file.Path),
                    new("policy_hash", file.PolicyHash),
                    new("version", file.Version),
                    new("previous", stored.Directive.Target ?? "none"),
                    new("epoch", $"{loaded.Value.Epoch}"),
                    new("rules", $"{file.Rules}"),
                ]),
            ],
            Operation = Operations.Write(caller, 200, answer),
            Directive = new DirectiveWrite(fleet, loaded.Value, stored.Directive.Epoch, stored.Revision),
        }));
    }

    /// <summary>The same directive under a higher epoch, with what is in flight on it.</summary>
    public async Task<Outcome<Proposal<FleetSnapshot>>> RaiseEpochAsync(
        string tenant, string fleet, long epoch, long? known, string reason, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, fleet) is not { } stored)
        {
            return Unknown<Proposal<FleetSnapshot>>(fleet);
        }

        var current = stored.Directive;
        if (FleetProblems.CheckRaise(epoch, current.Epoch, known) is { } problem)
        {
            return Outcome<Proposal<FleetSnapshot>>.Fail([problem]);
        }

        var directive = current with { Epoch = epoch };
        var answer = SnapshotOf(stored) with { Directive = directive, Revision = stored.Revision + 1 };
        var change = new PolicyChange
        {
            Tenant = tenant,
            Audit =
            [
                Entry(caller, "fleet.epoch_raised", $"fleets/{fleet}", reason, [
                    new("from", $"{current.Epoch}"), new("to", $"{epoch}"), new("reported", $"{known ?? current.Epoch}"),
                ]),
            ],
            Operation = Operations.Write(caller, 200, answer),
            Directive = new DirectiveWrite(fleet, directive, current.Epoch, stored.Revision),
        };
        if (await FindInFlightAsync(tenant, fleet) is not { } inFlight)
        {
            return Outcome<Proposal<FleetSnapshot>>.Ok(new(answer, change));
        }

        var raised = changes.Decide(inFlight, new RolloutCommand.RaiseEpoch(caller.By, reason, directive), null);
        return raised.Succeeded
            ? Outcome<Proposal<FleetSnapshot>>.Ok(new(answer, change with
            {
                Audit = [.. change.Audit, .. raised.Value.Audit],
                Rollout = raised.Value.ToChange(null).Rollout,
            }))
            : raised.As<Proposal<FleetSnapshot>>();
    }

    /// <summary>A group's members are of one fleet, which leads them. Null, or what is wrong.</summary>
    public async Task<Problem?> CheckGroupsAsync(string tenant, string fleet, ImmutableArray<NodeRegistration> nodes)
    {
        var groups = nodes.Where(node => node.ParityGroup is not null).Select(node => node.ParityGroup!).Distinct(StringComparer.Ordinal).ToImmutableArray();
        return !groups.IsEmpty && await store.FindGroupElsewhereAsync(tenant, fleet, groups) is var (group, elsewhere)
            ? new Problem(GroupCodes.AcrossFleets, $"The parity group '{group}' has members in fleet '{elsewhere}': a group is led by one fleet.", "$.parity_group")
            : null;
    }

    /// <summary>A member leaves no group that is disarmed: to register anew is no way around arming it. Null, or what is wrong.</summary>
    public async Task<Problem?> CheckArmsAsync(string tenant, string fleet, ImmutableArray<NodeRegistration> nodes) =>
        await store.FindDisarmedMemberAsync(tenant, fleet, nodes) is var (node, group)
            ? new Problem(GroupCodes.Disarmed, $"'{node}' is a member of the parity group '{group}', which is disarmed: arm the group before the node leaves it.", "$.parity_group")
            : null;

    /// <summary>Lets the fleet be offered a bundle again.</summary>
    public async Task<Outcome<Proposal<QuarantinedBundle>>> ReleaseAsync(string tenant, string fleet, string policyHash, string reason, Caller caller)
    {
        if (await store.ReadFleetAsync(tenant, fleet) is null)
        {
            return Unknown<Proposal<QuarantinedBundle>>(fleet);
        }

        if ((await store.ListQuarantineAsync(tenant, fleet)).FirstOrDefault(bundle => bundle.PolicyHash == policyHash) is not { } held)
        {
            return Outcome<Proposal<QuarantinedBundle>>.Fail("quarantine.unknown", $"The fleet does not hold {policyHash} in quarantine.", "$.hash");
        }

        return Outcome<Proposal<QuarantinedBundle>>.Ok(new(held, new PolicyChange
        {
            Tenant = tenant,
            Audit =
            [
                Entry(caller, "quarantine.released", $"fleets/{fleet}/quarantine/{policyHash}", reason, [
                    new("policy_hash", policyHash), new("rollout", held.RolloutId),
                ]),
            ],
            Operation = Operations.Write(caller, 200, held),
            Released = held,
        }));
    }

    /// <summary>The fleet's rollout that is not final; null where there is none.</summary>
    public async Task<RolloutState?> FindInFlightAsync(string tenant, string fleet) =>
        (await store.ListRolloutsAsync(tenant, fleet, RecentRollouts)).FirstOrDefault(rollout => !rollout.IsFinal);

    /// <summary>A stored fleet for a reader.</summary>
    public static FleetSnapshot SnapshotOf(StoredFleet stored) => new()
    {
        Tenant = stored.Tenant,
        Fleet = stored.Fleet,
        Settings = stored.Settings,
        Directive = stored.Directive,
        Arms = stored.Arms,
        Parity = stored.Parity,
        Revision = stored.Revision,
    };

    /// <summary>The failure of a fleet that is not there.</summary>
    public static Outcome<T> Unknown<T>(string fleet) => Outcome<T>.Fail("fleet.unknown", $"There is no fleet '{fleet}'.");

    private AuditDraft Entry(Caller caller, string action, string subject, string? reason, KeyValuePair<string, string>[] detail) => new()
    {
        At = clock.GetUtcNow(),
        Actor = caller.By.Subject,
        Interface = caller.By.Interface,
        Action = action,
        Subject = subject,
        Reason = reason,
        Detail = detail.ToImmutableSortedDictionary(),
    };

    // Whoever arms meanwhile arms what the directive says then: no node serves the old bundle under the new epoch.
    private async Task<Problem?> CheckReplacementAsync(StoredFleet stored, string running, bool whileDisarmed)
    {
        if (!whileDisarmed)
        {
            return new Problem(RolloutProblems.HasBaseline, $"The fleet runs {running} already: start a rollout.");
        }

        var fleet = SnapshotOf(stored);
        if (fleet.IsArmed(null) || fleet.Arms.Nodes.Keys.Any(node => fleet.IsArmed(node)))
        {
            return new Problem("fleet.armed", "Nodes of the fleet may serve: disarm the fleet first, or start a rollout.");
        }

        return await FindInFlightAsync(stored.Tenant, stored.Fleet) is { } rollout
            ? new Problem("rollout.in_flight", $"Rollout {rollout.RolloutId} is in flight: end it first.")
            : null;
    }

    // A fleet has one first baseline, and one at most that follows an epoch: the id follows from that.
    private static string BaselineId(string tenant, string of) => "baseline-" + RolloutChanges.SaltOf(tenant, of);
}
