using System.Collections.Immutable;
using System.Text.Json;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Silo.Tests.Contracts;

/// <summary>
/// What every implementation of the store's ports must do. The classes beside this one hold the tests; one class for each
/// implementation derives from each of them. They need the domain and the ports only.
/// </summary>
public abstract class StoreContract
{
    /// <summary>The tenant of the running test; nothing else is in it.</summary>
    protected string Tenant { get; } = "t" + Guid.NewGuid().ToString("n");

    /// <summary>The stores over one and the same truth, as one silo has them.</summary>
    protected abstract StoreUnderTest Store { get; }

    protected DateTimeOffset Now => Store.Clock.GetUtcNow();

    protected AuditDraft Entry(string action = "test.happened", string subject = "fleets/edge") =>
        new() { At = Now, Actor = "alice", Action = action, Subject = subject, Reason = "because" };

    protected PolicyChange Change() => new() { Tenant = Tenant, Audit = [Entry()] };

    protected async Task<AuditHead> CommitAsync(PolicyChange change)
    {
        var result = await Store.Rollouts.CommitAsync(change);
        Assert.Equal(CommitStatus.Committed, result.Status);
        return result.Head!;
    }

    protected Task<AuditHead> MakeTenantAsync() => CommitAsync(Change() with { CreatesTenant = true });

    protected async Task MakeFleetAsync(string fleet = "edge")
    {
        await MakeTenantAsync();
        await CommitAsync(Change() with { Fleet = new FleetWrite(fleet, new FleetSettings(), Creates: true) });
    }

    protected BundleWrite Bundle(char digit = 'a', string version = "1.0.0", long? sequence = null) => new(
        new BundleRecord
        {
            Version = version,
            PolicyHash = new string(digit, 64),
            BundleId = "gateway",
            Kind = "rules",
            Sequence = sequence,
            PublishedAt = Now,
            Size = 3,
        },
        [1, 0, 255]);

    /// <summary>The tenant with a fleet <c>edge</c> and the bundle <c>aaaa…</c>: ready for a rollout.</summary>
    protected async Task MakeFleetWithBundleAsync()
    {
        await MakeFleetAsync();
        await CommitAsync(Change() with { Bundle = Bundle() });
    }

    protected RolloutState State(string id, long revision, RolloutPhase phase = RolloutPhase.Active, string fleet = "edge") => new()
    {
        Tenant = Tenant,
        RolloutId = id,
        Kind = RolloutKind.Rollout,
        Fleet = fleet,
        Target = new string('a', 64),
        Author = new Actor("alice", "http", "key-1", ["root"]),
        Reason = "because",
        Phase = phase,
        Revision = revision,
        Epoch = revision,
        StartedAt = Now,
        StageStartedAt = Now,
        WindowStartedAt = Now,
        Why = new Why("stage.window", "The window is not over.", Now),
    };

    protected RolloutWrite Write(string id, long revision, RolloutPhase phase = RolloutPhase.Active, params RolloutDeadline[] deadlines) =>
        new(State(id, revision, phase), revision - 1, [.. deadlines]);

    protected static Directive DirectiveAt(long epoch) => new()
    {
        Epoch = epoch,
        Target = new string('a', 64),
        Fallback = new string('b', 64),
        Cuts = ImmutableSortedDictionary<string, DomainCut>.Empty.Add("zone-1", new DomainCut("7f", 12)).Add("zone-2", new DomainCut(null, 9)),
        Percentage = 12.5m,
        CensusN = 40,
        Salt = "c0ffee",
    };

    protected KeyWrite Key(string name, bool ofInstallation = false) => new()
    {
        KeyId = Tenant + "-" + name,
        Tenant = ofInstallation ? null : Tenant,
        Name = name,
        Subject = "alice",
        Role = "operator",
        KeySha256 = [.. System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Tenant + name))],
        Creators = ["root", "bob"],
        CreatedAt = Now,
    };

    protected OperationWrite Operation(string id = "op-1", string response = "{ \"b\": 1, \"a\": \"\\u0000\" }") =>
        new(Tenant + "-key", id, "hash", 201, response);

    protected async Task<ImmutableArray<AuditEntry>> ReadAuditAsync() => await Store.Audit.ReadAsync(Tenant, after: 0, limit: 100_000);

    protected async Task AssertChainIsWholeAsync(long entries)
    {
        var chain = await ReadAuditAsync();
        var head = await Store.Audit.ReadHeadAsync(Tenant);
        var found = AuditChain.Verify(chain, head);
        Assert.Null(found.Problem);
        Assert.True(found.Valid);
        Assert.Equal(entries, chain.Length);
        Assert.Equal(entries, head.Seq);
        Assert.Equal(Enumerable.Range(1, (int)entries).Select(n => (long)n), chain.Select(entry => entry.Seq));
    }

    /// <summary>Records hold arrays, which compare by reference; their JSON says what they say.</summary>
    protected static void AssertSame<T>(T expected, T actual) =>
        Assert.Equal(JsonSerializer.Serialize(expected, PolicyJson.Options), JsonSerializer.Serialize(actual, PolicyJson.Options));
}

/// <summary>The ports of one truth, and the clock that they and the test share.</summary>
public sealed record StoreUnderTest(IRolloutStore Rollouts, ICatalogStore Catalog, IAuditStore Audit, IKeyStore Keys, ManualClock Clock);

/// <summary>A clock that stands still until it is moved or set. Whole microseconds: what a database keeps.</summary>
public sealed class ManualClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private long _ticks;
    private long _setBy;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Start.AddTicks(Interlocked.Read(ref _ticks) + Interlocked.Read(ref _setBy));

    public override long GetTimestamp() => Interlocked.Read(ref _ticks);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

    /// <summary>What it shows is another time, without any passing.</summary>
    public void SetBy(TimeSpan by) => Interlocked.Add(ref _setBy, by.Ticks);
}
