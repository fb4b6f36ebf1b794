using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansPolicy.Admission;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Bundles;
using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Runs;

namespace OrleansPolicy.Grains.Storage;

/// <summary>
/// Everything that one action changes, as a value. <see cref="IRolloutStore.CommitAsync"/> makes it true in one transaction, or
/// nothing of it: an effect never exists without its audit entry, an admission never without its effect.
/// </summary>
public sealed record PolicyChange
{
    /// <summary>The tenant it belongs to.</summary>
    public required string Tenant { get; init; }

    /// <summary>
    /// Appended to the tenant's chain last of all. At least one entry, except where a rollout only writes down its verdict and clocks.
    /// </summary>
    public required ImmutableArray<AuditDraft> Audit { get; init; }

    /// <summary>The one request that asked for it, so that a repeated request gets the first answer; null: none, or several.</summary>
    [JsonIgnore]
    public OperationWrite? Operation
    {
        get => Operations is [var one] ? one : null;
        init => Operations = value is null ? [] : [value];
    }

    /// <summary>The requests that asked for it, each another one. Several where admissions are made durable together.</summary>
    public ImmutableArray<OperationWrite> Operations { get; init; } = [];

    /// <summary>The admission it takes.</summary>
    public AdmissionWrite? Admission { get; init; }

    /// <summary>Creates this tenant (an audit entry goes to the new tenant's own chain).</summary>
    public bool CreatesTenant { get; init; }

    /// <summary>Whether the tenant refuses bundles with fields that nothing reads; null: as before.</summary>
    public bool? StrictBundles { get; init; }

    /// <summary>Keys made.</summary>
    public ImmutableArray<KeyWrite> Keys { get; init; } = [];

    /// <summary>A key of the tenant taken back, by id; stale where it does not work any more.</summary>
    public string? RevokedKeyId { get; init; }

    /// <summary>Whether <see cref="RevokedKeyId"/> is a key of the installation instead; a conflict where it is the last one that works.</summary>
    public bool RevokesInstallationKey { get; init; }

    /// <summary>A new version of the tenant's trust root, as JSON; refused as stale unless it is exactly the next version.</summary>
    public TrustRootWrite? TrustRoot { get; init; }

    /// <summary>A bundle published.</summary>
    public BundleWrite? Bundle { get; init; }

    /// <summary>A run recorded.</summary>
    public RunWrite? Run { get; init; }

    /// <summary>Tags moved.</summary>
    public ImmutableArray<TagRecord> Tags { get; init; } = [];

    /// <summary>A fleet created or its settings changed.</summary>
    public FleetWrite? Fleet { get; init; }

    /// <summary>A rollout's new state.</summary>
    public RolloutWrite? Rollout { get; init; }

    /// <summary>What was in flight on the fleet until <see cref="Rollout"/>, a fast-track, took its place; written before it.</summary>
    public RolloutWrite? Superseded { get; init; }

    /// <summary>Bundles that a fleet is not offered again until they are released.</summary>
    public ImmutableArray<QuarantinedBundle> Quarantined { get; init; } = [];

    /// <summary>A bundle that its fleet may be offered again; stale where it is not in quarantine.</summary>
    public QuarantinedBundle? Released { get; init; }

    /// <summary>A fleet's new directive.</summary>
    public DirectiveWrite? Directive { get; init; }

    /// <summary>Parity groups that begin a switch, go on with it or end it.</summary>
    public ParityWrite? Parity { get; init; }

    /// <summary>What is said about who may serve. One row, however many fleets and nodes it covers.</summary>
    public ArmWrite? Arm { get; init; }

    /// <summary>A control of the tenant: a waiver, or whatever else people set about how changes may happen.</summary>
    public ControlWrite? Control { get; init; }

    /// <summary>Controls on which it was decided: stale where one of them was changed since.</summary>
    public ImmutableArray<ControlGuard> DecidedOn { get; init; } = [];

    /// <summary>Whether the audit entries join the chain of every tenant: what concerns the whole installation is in nobody's alone.</summary>
    public bool ConcernsEveryTenant { get; init; }
}

/// <summary>The repeatable answer to a request.</summary>
/// <param name="KeyId">The API key that asked.</param>
/// <param name="OperationId">Its idempotency key.</param>
/// <param name="BodyHash">Hex SHA-256 over method, path and body: the same id with another request is refused.</param>
/// <param name="Status">The HTTP status of the answer.</param>
/// <param name="Response">The answer as JSON.</param>
public sealed record OperationWrite(string KeyId, string OperationId, string BodyHash, int Status, string Response);

/// <summary>The limiter's state after an admission, guarded by the revision it was computed from (0: no row yet).</summary>
public sealed record AdmissionWrite(AdmissionState State, UpdateLimits Limits, long ExpectedRevision);

/// <summary>An API key; only its hash is stored.</summary>
public sealed record KeyWrite
{
    /// <summary>The key's id, not a secret.</summary>
    public required string KeyId { get; init; }

    /// <summary>The tenant; null for a key of the installation.</summary>
    public string? Tenant { get; init; }

    /// <summary>A name for people.</summary>
    public required string Name { get; init; }

    /// <summary>The person or program it belongs to.</summary>
    public required string Subject { get; init; }

    /// <summary>viewer, publisher, operator, approver, relay, node or admin.</summary>
    public required string Role { get; init; }

    /// <summary>For relay and node: the one fleet it acts for.</summary>
    public string? Fleet { get; init; }

    /// <summary>For node: the one node it acts for.</summary>
    public string? Node { get; init; }

    /// <summary>SHA-256 of the key.</summary>
    public required ImmutableArray<byte> KeySha256 { get; init; }

    /// <summary>The subjects who made it, and who made theirs.</summary>
    public ImmutableArray<string> Creators { get; init; } = [];

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it stops working.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>A trust root version.</summary>
public sealed record TrustRootWrite(int Version, string Document);

/// <summary>A bundle with its bytes as published.</summary>
public sealed record BundleWrite(BundleRecord Record, ImmutableArray<byte> Content);

/// <summary>A run, with the hex SHA-256 of what asked for it: the same id with another one is another run.</summary>
public sealed record RunWrite(RunRecord Record, string RequestHash);

/// <summary>
/// A fleet's settings. A change of settings that depends on what else is true of the fleet (the lease: no rollout in flight) names
/// the <see cref="StoredFleet.Revision"/> it was decided on; null: whatever that is now.
/// </summary>
public sealed record FleetWrite(string Fleet, FleetSettings Settings, bool Creates, long? ExpectedRevision = null)
{
    /// <summary>Whether <see cref="FleetSettings.RequiresArmed"/> changes: then the nodes hear a higher number.</summary>
    public bool ChangesArming { get; init; }
}

/// <summary>A rollout's new state; its revision is the expected one plus 1. The deadlines replace all it had.</summary>
public sealed record RolloutWrite(RolloutState State, long ExpectedRevision, ImmutableArray<RolloutDeadline> Deadlines)
{
    /// <summary>
    /// How many rollouts of the tenant may be in flight with this one: stale where there are more. A change that says so is decided on
    /// the tenant's <see cref="ControlKinds.Restraints"/>: who holds them counts alone. Null: any number.
    /// </summary>
    public int? InFlightMax { get; init; }
}

/// <summary>
/// A fleet's new directive, guarded by the epoch it replaces; its own epoch is higher. One that was decided on the fleet's
/// settings too (a start: lease and deadline) also names the <see cref="StoredFleet.Revision"/>.
/// </summary>
public sealed record DirectiveWrite(string Fleet, Directive Directive, long ExpectedEpoch, long? ExpectedRevision = null);

/// <summary>
/// All that the parity groups of a fleet do next. Guarded by the revision on which it was decided, which the directive, the settings and
/// every other such write raise too.
/// </summary>
/// <param name="Fleet">The fleet.</param>
/// <param name="Base">The directive in force: under it the groups without a switch are at rest.</param>
/// <param name="Put">Switches that begin or go on.</param>
/// <param name="Ended">Groups that are on no way any more.</param>
/// <param name="ExpectedRevision">The <see cref="StoredFleet.Revision"/> that it was decided on.</param>
public sealed record ParityWrite(
    string Fleet, Directive Base, ImmutableArray<ParitySwitch> Put, ImmutableArray<string> Ended, long ExpectedRevision);

/// <summary>
/// A scope's new row, guarded by the highest number it was decided on, which rises: arms and disarms of an installation follow each
/// other. It locks no fleet, so it never waits for a rollout or a registration, nor they for it.
/// </summary>
public sealed record ArmWrite(ArmRow Row, long ExpectedEpoch);

/// <summary>A control of a tenant, guarded by the revision it was decided on (0: it is new).</summary>
/// <param name="Kind">Which kind, one of <see cref="ControlKinds"/>.</param>
/// <param name="Id">Its id within the kind.</param>
/// <param name="Record">The whole of it, as JSON.</param>
/// <param name="ExpectedRevision">The revision it replaces.</param>
public sealed record ControlWrite(string Kind, string Id, JsonElement Record, long ExpectedRevision)
{
    /// <summary>
    /// How many controls of the kind the tenant may have with this one: stale where there are more. A change that says so is decided on the
    /// tenant's <see cref="ControlKinds.Restraints"/>: who holds them counts alone. Null: any number.
    /// </summary>
    public int? OfKindMax { get; init; }

    /// <summary>Of a record.</summary>
    public static ControlWrite Of<T>(string kind, string id, T record, long expectedRevision) =>
        new(kind, id, JsonSerializer.SerializeToElement(record, PolicyJson.Options), expectedRevision);
}

/// <summary>
/// A control that a change rests on, held as it was until the change is durable: whoever changes it comes before, and the change is
/// decided again, or after.
/// </summary>
/// <param name="Kind">Which kind, one of <see cref="ControlKinds"/>.</param>
/// <param name="Id">Its id within the kind.</param>
/// <param name="Revision">The revision it was read at (0: there was none; then an empty one is written, so that there is something to hold).</param>
public sealed record ControlGuard(string Kind, string Id, long Revision);

/// <summary>A control as it is stored.</summary>
public sealed record StoredControl(string Id, JsonElement Record, long Revision)
{
    /// <summary>What it says. An empty record says what one that is not there says.</summary>
    public T Read<T>() => Record.Deserialize<T>(PolicyJson.Options) ?? throw new InvalidOperationException($"The control {Id} is empty.");
}

/// <summary>The kinds of controls.</summary>
public static class ControlKinds
{
    /// <summary>A <see cref="Waiver"/>.</summary>
    public const string Waiver = "waiver";

    /// <summary>The tenant's <see cref="Restraints"/>; there is one, <see cref="OfTenant"/>.</summary>
    public const string Restraints = "restraints";

    /// <summary>The id of what a tenant has one of.</summary>
    public const string OfTenant = "tenant";

    /// <summary>A <see cref="Webhooks.Webhook"/>.</summary>
    public const string Webhook = "webhook";

    /// <summary>A <see cref="OrleansPolicy.Waves.Wave"/>.</summary>
    public const string Wave = "wave";
}

/// <summary>What became of a change.</summary>
public sealed record CommitResult(CommitStatus Status, AuditHead? Head = null, string? Detail = null);

/// <summary>How a commit ended.</summary>
public enum CommitStatus
{
    /// <summary>Durable.</summary>
    Committed,

    /// <summary>A guard did not hold: load again and decide again. Nothing was written.</summary>
    Stale,

    /// <summary>A name is taken, or what must not go would go; <see cref="CommitResult.Detail"/> is one of <see cref="ConflictNames"/>. Nothing was written.</summary>
    Conflict,

    /// <summary>The same operation was done before: read its answer. Nothing was written.</summary>
    OperationExists,
}
