using System.Collections.Immutable;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Parity;
using OrleansPolicy.Silo.Feed;

namespace OrleansPolicy.Grains.Tests.Cluster;

/// <summary>Pairs of nodes that must run the same, and do what agents do. After every word it is looked at what each would serve.</summary>
public sealed class ParityFleet
{
    private static readonly string[] Roles = ["brain", "execution"];

    private readonly PolicyCluster _cluster;

    private ParityFleet(PolicyCluster cluster, IEnumerable<ParityMember> members, string first, string second) =>
        (_cluster, Members, First, Second) = (cluster, [.. members], first, second);

    public ImmutableArray<ParityMember> Members { get; private set; }

    /// <summary>What the fleet runs at the beginning.</summary>
    public string First { get; }

    /// <summary>What is published beside it.</summary>
    public string Second { get; }

    /// <summary>Registers a node. Where it is not answered in time it is asked for again, as an agent does.</summary>
    public static async Task<Outcome<ImmutableArray<NodeRecord>>> RegisterAsync(PolicyCluster cluster, string fleet, NodeRegistration node)
    {
        Outcome<ImmutableArray<NodeRecord>>? registered = null;
        await PolicyCluster.UntilAsync(
            async () =>
            {
                registered = await Abstractions.GrainKeys.Fleet(cluster.Grains, PolicyCluster.Tenant, fleet).RegisterAsync([node], PolicyCluster.As("olga"));
                return registered.Succeeded || PolicyCluster.Code(registered) != Abstractions.CommonCodes.StoreUnavailable;
            },
            $"{node.Node} of {fleet} is answered");
        return registered!;
    }

    public static async Task<ParityFleet> PrepareAsync(PolicyCluster cluster, int pairs, FleetSettings? settings = null)
    {
        await cluster.LiftLimitAsync();
        var first = await cluster.PublishAsync("1.0.0");
        PolicyCluster.Value(await cluster.ConfigureFleetAsync(settings));
        var registrations = Enumerable.Range(0, pairs)
            .SelectMany(i => Roles.Select(role => Member($"pair-{i:00}", role, $"zone-{i % 2}"))).ToImmutableArray();
        PolicyCluster.Value(await cluster.FleetGrain.RegisterAsync(registrations, PolicyCluster.As("olga")));
        PolicyCluster.Value(await cluster.FleetGrain.SetBaselineAsync("1.0.0", "first", PolicyCluster.As("olga")));
        var second = await cluster.PublishAsync("2.0.0");
        var fleet = new ParityFleet(
            cluster, registrations.Select(node => new ParityMember(node.Node, node.ParityGroup!, cluster.Clock)), first.PolicyHash, second.PolicyHash);
        await fleet.SpeakUntilAllServeAsync(first.PolicyHash);
        return fleet;
    }

    public static NodeRegistration Member(string group, string role, string domain = "default") =>
        new() { Node = $"{group}-{role}", ParityGroup = group, Role = role, FailureDomain = domain };

    /// <summary>Nodes join a group; what they are registered as.</summary>
    public async Task<ImmutableArray<NodeRecord>> JoinAsync(string group, params string[] roles)
    {
        var records = PolicyCluster.Value(await _cluster.FleetGrain.RegisterAsync([.. roles.Select(role => Member(group, role, "zone-9"))], PolicyCluster.As("olga")));
        Members = Members.AddRange(records.Where(record => Members.All(member => member.Name != record.Node)).Select(record => new ParityMember(record.Node, group, _cluster.Clock)));
        return records;
    }

    /// <summary>Somebody takes a node out, whose process has ended.</summary>
    public async Task LeaveAsync(string node)
    {
        Members = Members.RemoveAll(member => member.Name == node);
        PolicyCluster.Value(await _cluster.FleetGrain.RemoveAsync(node, PolicyCluster.As("olga")));
    }

    /// <summary>A member by its name.</summary>
    public ParityMember Find(string node) => Members.Single(member => member.Name == node);

    /// <summary>Makes a directive true, as a rollout would.</summary>
    public async Task DirectAsync(Func<Directive, Directive> next)
    {
        var stored = (await _cluster.Store.ReadFleetAsync(PolicyCluster.Tenant, PolicyCluster.Fleet))!;
        var directive = next(stored.Directive) with { Epoch = stored.Directive.Epoch + 1 };
        var committed = await _cluster.Store.CommitAsync(new PolicyChange
        {
            Tenant = PolicyCluster.Tenant,
            Audit = [new AuditDraft { At = _cluster.Clock.GetUtcNow(), Actor = "olga", Interface = "test", Action = "test", Subject = "fleets/edge" }],
            Directive = new DirectiveWrite(PolicyCluster.Fleet, directive, stored.Directive.Epoch),
        });
        Assert.Equal(CommitStatus.Committed, committed.Status);
        await _cluster.FleetGrain.DirectiveCommittedAsync(directive);
    }

    /// <summary>Everybody is to go forward.</summary>
    public Task ForwardAsync() => DirectAsync(now => now with
    {
        Target = Second,
        Fallback = First,
        Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("zone-0", new DomainCut(DomainCut.All, 999)).Add("zone-1", new DomainCut(DomainCut.All, 999)),
    });

    /// <summary>Everybody is to go back.</summary>
    public Task BackAsync() => RestAsync(First);

    /// <summary>Everybody is to run a bundle.</summary>
    public Task RestAsync(string hash) => DirectAsync(now => now with { Target = hash, Fallback = null, Caps = null, Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty });

    /// <summary>The groups of zone-0 are to go forward, and so many nodes in all.</summary>
    public Task ForwardAsync(int maxNodes) => DirectAsync(now => now with
    {
        Target = Second,
        Fallback = First,
        Caps = new StageCaps(null, maxNodes, Members.Length),
        Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("zone-0", new DomainCut(DomainCut.All, Members.Length)),
    });

    public async Task SpeakAsync(int silo = 0)
    {
        await Task.WhenAll(Members.Where(member => !member.IsSilent).Select(member => member.SpeakAsync(_cluster.Feeds(silo), NobodyDiffers)));
        NobodyDiffers();
    }

    public Task SpeakUntilAsync(Func<bool> holds, string what, int silo = 0) => PolicyCluster.UntilAsync(
        async () =>
        {
            await SpeakAsync(silo);
            return holds();
        },
        what);

    public Task SpeakUntilAllServeAsync(string hash, int silo = 0) =>
        SpeakUntilAsync(() => Members.Where(member => !member.IsSilent).All(member => member.Serves == hash), $"all serve {hash}", silo);

    /// <summary>The switches as they are stored.</summary>
    public async Task<ImmutableArray<ParitySwitch>> SwitchesAsync() =>
        [.. (await _cluster.Store.ReadFleetAsync(PolicyCluster.Tenant, PolicyCluster.Fleet))!.Parity.Switches.Values];

    private void NobodyDiffers() => Assert.All(
        Members.GroupBy(member => member.Group),
        group => Assert.True(
            group.Select(member => member.Serves).Where(hash => hash is not null).Distinct().Count() <= 1,
            string.Join(", ", group.Select(member => $"{member.Name} serves {member.Serves ?? "nothing"}"))));
}

/// <summary>One member.</summary>
public sealed class ParityMember(string name, string group, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _kept = [];
    private string _boot = Guid.NewGuid().ToString("N");
    private string? _etag;
    private string? _inForce;
    private NodeDirective? _heard;
    private DateTimeOffset _leaseUntil;
    private long _seq;

    public string Name => name;

    public string Group => group;

    public bool IsSilent { get; set; }

    /// <summary>What it cannot load; null: it can load everything.</summary>
    public string? Refuses { get; set; }

    public NodeDirective? Heard => _heard;

    public string? Serves
    {
        get
        {
            lock (_lock)
            {
                return _heard is { Group: { OverCap: false } group } heard && clock.GetUtcNow() < _leaseUntil && group.LetsServe(_inForce, heard.PolicyHash, heard.FallbackHash)
                    ? _inForce
                    : null;
            }
        }
    }

    /// <summary>Its process ends, and another begins that has only what it kept on disk.</summary>
    public void Restart()
    {
        lock (_lock)
        {
            (_boot, _seq, _etag, _heard, _leaseUntil) = (Guid.NewGuid().ToString("N"), 0, null, null, default);
        }
    }

    public async Task SpeakAsync(FleetFeeds feeds, Action looked)
    {
        var sentAt = clock.GetUtcNow();
        Hear(await feeds.WaitAsync(PolicyCluster.Tenant, PolicyCluster.Fleet, name, _etag, TimeSpan.Zero), sentAt);
        looked();
        sentAt = clock.GetUtcNow();
        if (!IsSilent && Word() is { } report)
        {
            Hear((await feeds.ReportAsync(PolicyCluster.Tenant, PolicyCluster.Fleet, name, report)).Answer, sentAt);
            looked();
        }
    }

    private void Hear(FeedAnswer answer, DateTimeOffset sentAt)
    {
        lock (_lock)
        {
            if (answer is FeedAnswer.Unchanged { LeaseSec: var again })
            {
                _leaseUntil = Until(again, sentAt);
            }

            if (answer is not FeedAnswer.Changed { Directive: var directive } changed
                || directive.Epoch < _heard?.Epoch || (directive.Epoch == _heard?.Epoch && directive.Group!.IsBehind(_heard.Group)))
            {
                return;
            }

            (_heard, _etag, _leaseUntil) = (directive, changed.ETag, Until(directive.LeaseSec, sentAt));
            if (directive.PolicyHash is { } wanted && wanted != Refuses)
            {
                _kept.Add(wanted);
            }

            if (directive is { Group.Phase: ParityPhase.Commit, PolicyHash: { } demanded } && _kept.Contains(demanded))
            {
                _inForce = demanded;
            }
        }
    }

    private NodeReport? Word()
    {
        lock (_lock)
        {
            if (_heard is not { Group: { } group } heard)
            {
                return null;
            }

            var isSwitching = group.Phase != ParityPhase.Commit;
            var isRefused = heard.PolicyHash is not null && heard.PolicyHash == Refuses;
            return new NodeReport
            {
                BootId = _boot,
                Seq = ++_seq,
                Epoch = !isSwitching || isRefused ? heard.Epoch : 0,
                PolicyHash = group.OverCap ? null : _inForce,
                Ack = !isRefused,
                Error = isRefused ? "node.load_failed: no" : null,
                Group = new GroupWord(
                    heard.Epoch, heard.PolicyHash is { } wanted && _kept.Contains(wanted),
                    isSwitching && !group.LetsServe(_inForce, heard.PolicyHash, heard.FallbackHash)),
            };
        }
    }

    private static DateTimeOffset Until(int? lease, DateTimeOffset sentAt) =>
        lease is { } seconds ? sentAt + TimeSpan.FromSeconds(seconds) : DateTimeOffset.MaxValue;
}
