using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Arming;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Arming;

/// <summary>
/// Arms and disarms. Straight to the store and not through a grain: a stop of everything must not wait until a lost silo's grains live
/// elsewhere. The fleets are told afterwards; where one does not hear it, its feeds read it within a second, and its leases rest on that.
/// </summary>
public sealed partial class ArmGate : IDisposable
{
    private static readonly TimeSpan TellWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskWithin = TimeSpan.FromSeconds(2);

    private readonly IRolloutStore _store;
    private readonly ChangeCommitter _committer;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _clock;
    private readonly ILogger<ArmGate> _logger;

    // They follow each other in the store anyway; taking turns here, those of one silo never find that they were overtaken.
    private readonly SemaphoreSlim _turn = new(1);

    internal ArmGate(IRolloutStore store, ChangeCommitter committer, IGrainFactory grains, TimeProvider clock, ILogger<ArmGate> logger) =>
        (_store, _committer, _grains, _clock, _logger) = (store, committer, grains, clock, logger);

    /// <summary>
    /// Makes an arm or a disarm true, durable before the answer: the scope's row as it is then. A row that is disarmed and waits for a
    /// second person answers an arm after an emergency. Fails with <c>fleet.unknown</c>, <c>node.unknown</c>,
    /// <see cref="ArmDecider.SamePerson"/>, <see cref="ArmDecider.PendingVoid"/>.
    /// </summary>
    public async Task<Outcome<ArmRow>> ChangeAsync(ArmCommand command, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(caller);
        var (unit, unknown) = await FindAsync(command.Scope);
        if (unknown is not null)
        {
            return Outcome<ArmRow>.Fail([unknown]);
        }

        command = await OfUnitAsync(command, unit);
        await _turn.WaitAsync();
        Outcome<ArmRow> said;
        try
        {
            said = await _committer.CommitAsync(command.Scope.Tenant ?? EveryTenantsFirst, caller, () => ProposeAsync(command, caller));
        }
        finally
        {
            _turn.Release();
        }

        if (said.Succeeded && !ArmDecider.Waits(said.Value))
        {
            await TellAsync(said.Value);
        }

        return said;
    }

    /// <summary>
    /// How far an arm or a disarm has come, over all fleets that it covers. A fleet's nodes are named by the fleet too where there may be
    /// several fleets (<c>fleet/node</c>, <c>tenant/fleet/node</c>).
    /// </summary>
    public async Task<ArmStanding> StandingAsync(ArmRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var watch = new ArmWatch(row.ArmEpoch, row.At, row.Scope.Node);
        var fleets = await _store.ListCoveredAsync(row.Scope);
        var standings = await Task.WhenAll(fleets.Select(fleet => StandingAsync(row.Scope.Level, fleet, watch)));
        var names = standings.SelectMany(standing => standing.Unconfirmed).Take(ArmStanding.NamedMax);
        return new ArmStanding(
            standings.Sum(standing => standing.Confirmed), [.. names], standings.Sum(standing => standing.UnconfirmedCount),
            standings.Any(standing => standing.InForceBy is null) ? null : standings.Max(standing => standing.InForceBy) ?? row.At);
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    // An entry that concerns every tenant joins every chain; the transaction is numbered by one of them, which is always there.
    private const string EveryTenantsFirst = "default";

    private async Task<Outcome<Proposal<ArmRow>>> ProposeAsync(ArmCommand command, Caller caller)
    {
        var (last, row) = await _store.ReadArmAsync(command.Scope);
        var now = _clock.GetUtcNow();
        var decided = ArmDecider.Decide(row, command, last, now);
        if (!decided.Succeeded)
        {
            return decided.As<Proposal<ArmRow>>();
        }

        if (ReferenceEquals(decided.Value, row))
        {
            return Outcome<Proposal<ArmRow>>.Ok(new(row));
        }

        var status = ArmDecider.Waits(decided.Value) ? 202 : 200;
        return Outcome<Proposal<ArmRow>>.Ok(new(decided.Value, new PolicyChange
        {
            Tenant = command.Scope.Tenant ?? EveryTenantsFirst,
            Audit = [Describe(decided.Value, command, now)],
            Operation = Operations.Write(caller, status, decided.Value),
            Arm = new ArmWrite(decided.Value, last),
            ConcernsEveryTenant = command.Scope.Tenant is null,
        }));
    }

    private static AuditDraft Describe(ArmRow row, ArmCommand command, DateTimeOffset now)
    {
        var detail = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        detail["scope"] = row.Scope.Level.ToString().ToLowerInvariant();
        detail["arm_epoch"] = row.ArmEpoch.ToString(CultureInfo.InvariantCulture);
        if (row.Emergency)
        {
            detail["emergency"] = "true";
        }

        if (((command as ArmCommand.Arm)?.PendingId ?? row.Pending?.PendingId) is { } pendingId)
        {
            detail["pending_id"] = pendingId;
        }

        return new AuditDraft
        {
            At = now,
            Actor = command.By.Subject,
            Interface = command.By.Interface,
            Action = ArmDecider.Waits(row) ? "arm.requested" : row.Armed ? "arm.armed" : "arm.disarmed",
            Subject = row.Scope.Subject,
            Reason = command.Reason,
            Detail = detail.ToImmutable(),
        };
    }

    // A disarm of what cannot be looked up now is taken: better a row too many than a node that goes on.
    private async Task<(NodeRecord? Node, Problem? Unknown)> FindAsync(ArmScope scope)
    {
        if (scope.Fleet is null)
        {
            return (null, null);
        }

        if ((await _store.ListCoveredAsync(scope)).IsEmpty)
        {
            return (null, new Problem("fleet.unknown", $"There is no fleet '{scope.Fleet}'."));
        }

        if (scope.Node is not { } node)
        {
            return (null, null);
        }

        var known = await AskAsync(() => _grains.Fleet(scope.Tenant!, scope.Fleet).NodeAsync(node));
        return (known?.Value?.Record, known?.Problems is [{ Code: "node.unknown" } unknown, ..] ? unknown : null);
    }

    // What is said of a member is said of its group. Only where the member itself was disarmed, before it joined, an arm is about that.
    private async Task<ArmCommand> OfUnitAsync(ArmCommand command, NodeRecord? node) =>
        node?.ParityGroup is null || (command is ArmCommand.Arm && (await _store.ReadArmAsync(command.Scope)).Row is { Armed: false })
            ? command
            : command with { Scope = command.Scope with { Node = node.Unit } };

    private async Task TellAsync(ArmRow row)
    {
        try
        {
            var fleets = await _store.ListCoveredAsync(row.Scope);
            await Task.WhenAll(fleets.Select(fleet => _grains.Fleet(fleet.Tenant, fleet.Fleet).ArmsCommittedAsync(row.ArmEpoch)))
                .WaitAsync(TellWithin, _clock);
            if (row is { Armed: false, Scope.Level: not ArmLevel.Node })
            {
                await LookAsync(row.Scope).WaitAsync(TellWithin, _clock);
            }
        }
#pragma warning disable CA1031 // The row is durable; whoever was not told reads it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogUntold(exception, row.Scope.Subject, row.ArmEpoch);
        }
    }

    // They would look within a second by themselves. Looked at before the answer, a rollout goes back on a disarm however soon the fleet is
    // armed again.
    private async Task LookAsync(ArmScope scope)
    {
        var inFlight = await _store.ListInFlightAsync(scope);
        await Task.WhenAll(inFlight.Where(rollout => rollout.Plan?.OnDisarm == OnDisarm.Rollback)
            .Select(rollout => _grains.Rollout(rollout.Tenant, rollout.RolloutId).LookAsync()));
    }

    private async Task<ArmStanding> StandingAsync(ArmLevel level, FleetName fleet, ArmWatch watch)
    {
        var asked = await AskAsync(() => _grains.Fleet(fleet.Tenant, fleet.Fleet).ArmStandingAsync(watch));
        if (asked is not { Value: { } standing })
        {
            return new ArmStanding(0, [$"{fleet.Tenant}/{fleet.Fleet}"], 1, null);
        }

        var prefix = level switch
        {
            ArmLevel.All => $"{fleet.Tenant}/{fleet.Fleet}/",
            ArmLevel.Tenant => $"{fleet.Fleet}/",
            ArmLevel.Fleet or ArmLevel.Node => "",
            _ => throw new ArgumentOutOfRangeException(nameof(level)),
        };
        return prefix.Length == 0 ? standing : standing with { Unconfirmed = [.. standing.Unconfirmed.Select(node => prefix + node)] };
    }

    private async Task<T?> AskAsync<T>(Func<Task<T>> ask)
        where T : class
    {
        try
        {
            return await ask().WaitAsync(AskWithin, _clock);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            return null;
        }
    }

    [LoggerMessage(1220, LogLevel.Warning, "Not every fleet of {Scope} could be told of arm epoch {ArmEpoch} at once; their feeds read it.")]
    private partial void LogUntold(Exception exception, string scope, long armEpoch);
}
