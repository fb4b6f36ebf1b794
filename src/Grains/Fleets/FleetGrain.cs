using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Parity;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Fleets;

/// <summary>
/// One fleet's cache and notifier. The truth is in the store; here lie the registry, the directive as last heard and what the nodes
/// reported, so that ten thousand nodes cost the store nothing while nothing changes.
/// </summary>
[GrainType("policy.fleet")]
internal sealed partial class FleetGrain : StoreBackedGrain, IFleetGrain
{
    private const int ReadsMax = 3;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LeadEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan EpochCheckEvery = TimeSpan.FromMilliseconds(100);

    private readonly IRolloutStore _store;
    private readonly ChangeCommitter _committer;
    private readonly FleetProposals _proposals;
    private readonly TimeProvider _clock;
    private readonly ObserverList<IFleetObserver> _observers;
    private readonly RegistrationQueue _registrations;
    private readonly ParityDriver _parity;
    private FleetSnapshot? _fleet;
    private FleetRegistry? _registry;
    private Task? _loading;
    private bool _isTrusted;
    private long _epochCheckedAt;
    private long? _toldBehind;
    private long _armEpochChecked;
    private IGrainTimer? _leading;

    public FleetGrain(
        IRolloutStore store,
        ChangeCommitter committer,
        FleetProposals proposals,
        ParityMeter parityMeter,
        [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
        ILogger<FleetGrain> logger)
        : base(logger)
    {
        _store = store;
        _committer = committer;
        _proposals = proposals;
        _clock = clock;
        _observers = new ObserverList<IFleetObserver>(clock, logger);
        _registrations = new RegistrationQueue(WriteAsync);
        _parity = new ParityDriver(store, parityMeter, clock, logger);
    }

    private string Tenant => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Tenant;

    private string Fleet => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Name;

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> ConfigureAsync(FleetSettings settings, Caller caller) => WithStoreAsync(
        () => _committer.CommitAsync(Tenant, caller, async () =>
        {
            // One that has gone is made anew, or nobody could raise its epoch: until then it stays behind.
            if (await FindBehindAsync<Proposal<FleetSnapshot>>() is { } behind && !IsGone)
            {
                return behind;
            }

            var proposed = await _proposals.ConfigureAsync(Tenant, Fleet, settings, caller);
            return proposed.Succeeded ? Outcome<Proposal<FleetSnapshot>>.Ok(proposed.Value with { Then = ReadNewsAsync }) : proposed;
        }));

    /// <inheritdoc/>
    public Task<Outcome<ImmutableArray<NodeRecord>>> RegisterAsync(ImmutableArray<NodeRegistration> nodes, Caller caller) => WithFleetAsync(
        async registry =>
        {
            for (var attempt = 1; attempt <= ChangeCommitter.AttemptsMax; attempt++)
            {
                var problems = RegistrationRules.Validate(nodes);
                if (problems.IsEmpty && await _proposals.CheckGroupsAsync(Tenant, Fleet, nodes) is { } across)
                {
                    problems = [across];
                }

                // Asked where something is disarmed as far as is known here; the write asks in any case, and comes back where it is.
                var mayBeDisarmed = attempt > 1 || _fleet!.Arms.Nodes.Values.Any(row => !row.Armed);
                if (problems.IsEmpty && mayBeDisarmed && await _proposals.CheckArmsAsync(Tenant, Fleet, nodes) is { } disarmed)
                {
                    problems = [disarmed];
                }

                if (problems.IsEmpty && FileDirective.Holds(_fleet!.Directive) && FileDirective.Check(nodes.Select(node => node.Node)) is { } refused)
                {
                    problems = [refused];
                }

                if (!problems.IsEmpty)
                {
                    return Outcome<ImmutableArray<NodeRecord>>.Fail(problems);
                }

                // An agent registers at every start; what is stored already needs no transaction.
                var changed = nodes.RemoveAll(node => registry.Find(node.Node)?.Record.Matches(node) == true);
                ImmutableArray<NodeRecord>? stored = changed.IsEmpty ? [] : await _registrations.RegisterAsync(changed, caller);
                if (stored is not null)
                {
                    var written = stored.Value.ToDictionary(record => record.Node, StringComparer.Ordinal);
                    return Outcome<ImmutableArray<NodeRecord>>.Ok(
                        [.. nodes.Select(node => registry.Find(node.Node)?.Record ?? written.GetValueOrDefault(node.Node) ?? throw Vanished(node.Node))]);
                }

                // Somebody of those who were written together names a group that another fleet has by now, or leaves one that was disarmed:
                // only that one is refused.
            }

            throw new StoreUnavailableException($"The fleet {Fleet} has vanished from the store, or others took its nodes' groups several times over.");
        });

    /// <inheritdoc/>
    public Task<Outcome<NodeRecord>> RemoveAsync(string node, Caller caller) => WithFleetAsync(async registry =>
    {
        if (registry.Find(node) is not { } entry || !await RemoveStoredAsync(node, caller.By, "node.removed"))
        {
            return UnknownNode<NodeRecord>(node);
        }

        Tell(registry.Apply([], [node], _clock.GetUtcNow()));
        LeadGroups();
        await CheckEpochAsync(registry);
        return Outcome<NodeRecord>.Ok(entry.Record);
    });

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> SetBaselineAsync(string reference, string reason, Caller caller, bool whileDisarmed) => WithFleetAsync(
        registry => _committer.CommitAsync(Tenant, caller, async () =>
        {
            if (await FindBehindAsync<Proposal<FleetSnapshot>>() is { } behind)
            {
                return behind;
            }

            var proposed = await _proposals.SetBaselineAsync(Tenant, Fleet, reference, reason, whileDisarmed, registry.Count, caller);
            return proposed.Succeeded
                ? Outcome<Proposal<FleetSnapshot>>.Ok(proposed.Value with { Then = () => DirectiveCommittedAsync(proposed.Value.Answer.Directive) })
                : proposed;
        }));

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> LoadFileAsync(VerifiedFile file, Caller caller) => WithFleetAsync(
        registry => _committer.CommitAsync(Tenant, caller, async () =>
        {
            var proposed = await _proposals.LoadFileAsync(Tenant, Fleet, file, [.. registry.Records.Select(record => record.Node)], caller);
            return proposed.Succeeded
                ? Outcome<Proposal<FleetSnapshot>>.Ok(proposed.Value with { Then = () => DirectiveCommittedAsync(proposed.Value.Answer.Directive) })
                : proposed;
        }));

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> RaiseEpochAsync(long epoch, string reason, Caller caller) => WithFleetAsync(
        registry => _committer.CommitAsync(Tenant, caller, async () =>
        {
            var proposed = await _proposals.RaiseEpochAsync(Tenant, Fleet, epoch, registry.EpochBehind, reason, caller);
            return proposed.Succeeded
                ? Outcome<Proposal<FleetSnapshot>>.Ok(proposed.Value with { Then = () => DirectiveCommittedAsync(proposed.Value.Answer.Directive) })
                : proposed;
        }));

    /// <inheritdoc/>
    public Task<Outcome<QuarantinedBundle>> ReleaseAsync(string policyHash, string reason, Caller caller) => WithStoreAsync(
        () => _committer.CommitAsync(Tenant, caller, () => _proposals.ReleaseAsync(Tenant, Fleet, policyHash, reason, caller)));

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> GetAsync() => WithFleetAsync(registry => Task.FromResult(Outcome<FleetSnapshot>.Ok(
        Snapshot() with { Nodes = registry.StatesAt(_fleet!.Settings, _clock.GetUtcNow()) })));

    /// <inheritdoc/>
    public Task<Outcome<FleetSnapshot>> ReadAsync(long knownEpoch) => WithFleetAsync(async registry =>
    {
        await RefreshAsync();
        registry.NoteStored(knownEpoch);
        TellBehind(registry);
        return Outcome<FleetSnapshot>.Ok(Snapshot());
    });

    /// <inheritdoc/>
    public Task<Outcome<FleetObservation>> ObserveAsync(FleetWatch watch, CensusSource census) => WithFleetAsync(
        async registry =>
        {
            if (watch.KnownEpoch > _fleet!.Directive.Epoch || census == CensusSource.Stored)
            {
                await RefreshAsync();
            }

            if (census == CensusSource.Stored)
            {
                await ReadRegistryAsync(registry);
            }

            return Outcome<FleetObservation>.Ok(
                registry.ObserveAt(_fleet.Settings, watch, census != CensusSource.None, _clock.GetUtcNow()) with { Disarm = _fleet.Arms.WholeDisarm });
        });

    /// <inheritdoc/>
    public Task DirectiveCommittedAsync(Directive directive)
    {
        // Before the fleet is loaded there is nobody to tell; loading reads the directive. Where there are groups it is read too, with
        // where they stand: heard alone it says of none what it may serve.
        if (_fleet is { } fleet && directive.Epoch > fleet.Directive.Epoch)
        {
            if (_registry!.Groups.IsEmpty)
            {
                Take(fleet with { Directive = directive });
            }
            else
            {
                return ReadNewsAsync();
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ArmsCommittedAsync(long armEpoch) => armEpoch > _fleet?.Arms.Epoch ? ReadNewsAsync() : Task.CompletedTask;

    /// <inheritdoc/>
    public Task<Outcome<ArmStanding>> ArmStandingAsync(ArmWatch watch) => WithFleetAsync(async registry =>
    {
        if (watch.ArmEpoch > _fleet!.Arms.Epoch)
        {
            await RefreshAsync();
        }

        return Outcome<ArmStanding>.Ok(registry.ArmStandingAt(_fleet, watch, _clock.GetUtcNow()));
    });

    /// <inheritdoc/>
    public async Task<string?> ReportAsync(ImmutableArray<HeardNode> heard)
    {
        // Heard is heard, whatever becomes of what follows from it: handed over again, the samples would count twice.
        string? stamp = null;
        _ = await WithFleetAsync(async registry =>
        {
            registry.Hear(heard, _fleet!.Settings);
            stamp = registry.Stamp;
            LeadGroups();
            await CheckEpochAsync(registry);
            return Outcome<string>.Ok(stamp = registry.Stamp);
        });
        return stamp;
    }

    /// <inheritdoc/>
    public Task<Outcome<ImmutableArray<NodeStatus>>> NodesAsync() => WithFleetAsync(registry => Task.FromResult(
        Outcome<ImmutableArray<NodeStatus>>.Ok(registry.StatusesAt(_fleet!.Settings, _clock.GetUtcNow()))));

    /// <inheritdoc/>
    public Task<Outcome<NodeStatus>> NodeAsync(string node) => WithFleetAsync(registry => Task.FromResult(
        registry.Find(node) is { } entry
            ? Outcome<NodeStatus>.Ok(entry.StatusAt(_fleet!.Settings, _clock.GetUtcNow()) with { GroupRefusal = registry.Groups.RefusalOf(entry, _fleet, _clock.GetUtcNow()) })
            : UnknownNode<NodeStatus>(node)));

    /// <inheritdoc/>
    public Task<Outcome<ImmutableArray<HandshakeMember>>> HandshakeMembersAsync(string node, string? role) => WithFleetAsync(registry => Task.FromResult(
        registry.Find(node) is { Record: var asker }
            ? asker.Role is { } registered && role is not null && role != registered
                ? Outcome<ImmutableArray<HandshakeMember>>.Fail("parity.role", $"{node} is registered as {registered}, not as {role}.", "$.role")
                : asker.OverCap
                ? Outcome<ImmutableArray<HandshakeMember>>.Fail(Handshake.NoAnswerCode, $"{node} joined a group for which a cap of the rollout has no room: it may not serve yet.")
                : Outcome<ImmutableArray<HandshakeMember>>.Ok(registry.HandshakeMembersAt(asker, asker.Role ?? role, _fleet!.Settings, _clock.GetUtcNow()))
            : UnknownNode<ImmutableArray<HandshakeMember>>(node)));

    /// <inheritdoc/>
    public Task<Outcome<Convergence>> ConvergenceAsync(string policyHash) => WithFleetAsync(registry => Task.FromResult(
        Outcome<Convergence>.Ok(registry.ConvergenceAt(policyHash, _fleet!.Settings, _clock.GetUtcNow()))));

    /// <inheritdoc/>
    public Task<Outcome<FleetFeedState>> SubscribeAsync(IFleetObserver observer, string? knownStamp) => WithFleetAsync(registry =>
    {
        _observers.Subscribe(observer);
        return Task.FromResult(Outcome<FleetFeedState>.Ok(new FleetFeedState(
            Snapshot(), knownStamp == registry.Stamp ? null : registry.Records, registry.Stamp)));
    });

    // What the nodes said is true whatever happened to the store: it stays, so that a short outage costs no verdict its samples.
    // What was read from the store is read again.
    protected override void OnStoreFailure() => _isTrusted = false;

    private async Task<ImmutableArray<NodeRecord>?> WriteAsync(ImmutableArray<QueuedRegistration> queued)
    {
        var audit = RegistrationAudit.Describe(Fleet, queued, _clock.GetUtcNow());
        if (await _store.RegisterNodesAsync(Tenant, Fleet, [.. queued.Select(one => one.Node)], audit) is not { } records)
        {
            return null;
        }

        Tell(_registry!.Apply(records, [], _clock.GetUtcNow()));
        LeadGroups();
        return records;
    }

    private async Task SweepAsync()
    {
        if (_registry is not { } registry || _fleet is not { } fleet)
        {
            return;
        }

        registry.ForgetLeft(fleet.Settings, _clock.GetUtcNow());
        _ = await WithStoreAsync(async () =>
        {
            await new NodeSweep(registry, () => _fleet!.Settings, _clock).RunAsync(
                async () => await _proposals.FindInFlightAsync(Tenant, Fleet) is { Return: not null },
                async node =>
                {
                    await RemoveStoredAsync(node, Actor.ControlPlane("timer"), "node.left");
                    Tell(registry.Apply([], [node], _clock.GetUtcNow()));
                });
            return Outcome<bool>.Ok(true);
        });
    }

    private Task<bool> RemoveStoredAsync(string node, Actor by, string action) => _store.RemoveNodeAsync(Tenant, Fleet, node, new AuditDraft
    {
        At = _clock.GetUtcNow(),
        Actor = by.Subject,
        Interface = by.Interface,
        Action = action,
        Subject = $"fleets/{Fleet}/nodes/{node}",
    });

    private void Tell(RegistryNews? news)
    {
        if (news is not null)
        {
            _observers.Tell(observer => observer.NodesChangedAsync(news));
        }
    }

    // Asked of the truth: nothing is decided on a database that is older than what this fleet knows of it.
    private async Task<Outcome<T>?> FindBehindAsync<T>()
    {
        await RefreshAsync();
        return _registry?.EpochBehind is { } known ? Outcome<T>.Fail([FleetProblems.Behind(known, _fleet!.Directive.Epoch)]) : null;
    }

    private static Outcome<T> UnknownNode<T>(string node) => Outcome<T>.Fail("node.unknown", $"There is no node '{node}' in the fleet.");

    private static StoreUnavailableException Vanished(string node) => new($"The node {node} was removed while it registered.");
}
