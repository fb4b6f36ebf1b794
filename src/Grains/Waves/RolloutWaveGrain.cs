using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;
using OrleansPolicy.Waves;

namespace OrleansPolicy.Grains.Waves;

/// <summary>
/// Drives one wave: looks at its fleets' rollouts, asks the decider, commits what follows, asks of the rollouts what is wanted of them.
/// It keeps nothing that matters, so that it goes on from the rows wherever it comes up: woken by news of its rollouts, by its timer, at
/// the latest by its reminder. Calls interleave: a way back must not wait for a look, and every write is guarded by the wave's revision.
/// </summary>
[GrainType("policy.rollout-wave")]
[Reentrant]
internal sealed class RolloutWaveGrain(
    IRolloutStore store,
    ChangeCommitter committer,
    WaveStarts starts,
    WaveOrders orders,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
    ILogger<RolloutWaveGrain> logger)
    : StoreBackedGrain(logger), IRolloutWaveGrain, IRemindable
{
    private const string ReminderName = "look";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    // A halted wave waits for a person; news of its rollouts reach it all the same.
    private static readonly TimeSpan LookAtHaltedEvery = TimeSpan.FromSeconds(30);

    // A start that was refused and may pass: to try it takes a look at the whole fleet.
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan TryAgainAfterMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TryAgainAfterMax = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, (Problem Problem, DateTimeOffset Until)> _waiting = new(StringComparer.Ordinal);
    private IGrainTimer? _driver;
    private TimeSpan _driverPeriod;
    private int _acting;
    private bool _isLooking;
    private bool _isWanted;

    private string Tenant => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Tenant;

    private string WaveId => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Name;

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> StartAsync(StartWave request, Caller caller) => CommitAsync(caller, async () =>
    {
        if (await ReadAsync() is not null)
        {
            return Outcome<Proposal<WaveView>>.Fail(WaveRules.StateCode, $"Wave {WaveId} was started before.");
        }

        var decided = await starts.DecideAsync(Tenant, WaveId, request, caller);
        if (!decided.Succeeded)
        {
            return decided.As<Proposal<WaveView>>();
        }

        var wave = decided.Value.Wave;
        await WakeAsync(wave);
        return Propose(new StoredWave(null, 0), wave, [.. wave.Places().Select(place => new WaveFleet(place.Fleet, place.Step))], caller, 201, decided.Value);
    });

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> GetAsync() => WithStoreAsync(async () => await ReadAsync() is { Wave: { } wave }
        ? Outcome<WaveView>.Ok(WaveView.Of(wave, WithWaiting(await FindAllAsync(wave))))
        : Unknown<WaveView>());

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> PauseAsync(string reason, Caller caller) => ActAsync(caller, _ => new WaveCommand.Pause(caller.By, reason));

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> ResumeAsync(string reason, Caller caller)
    {
        _waiting.Clear();
        return ActAsync(caller, fleets => new WaveCommand.Resume(caller.By, reason, fleets));
    }

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> RollBackAsync(string reason, Caller caller) => ActAsync(caller, _ => new WaveCommand.RollBack(caller.By, reason));

    /// <inheritdoc/>
    public Task<Outcome<WaveView>> EndAsync(string reason, Caller caller) => ActAsync(caller, _ => new WaveCommand.End(caller.By, reason));

    /// <inheritdoc/>
    public async Task LookAsync()
    {
        // One look at a time; what is heard during one is looked at behind it.
        _isWanted = true;
        if (_isLooking)
        {
            return;
        }

        _isLooking = true;
        try
        {
            while (_isWanted)
            {
                _isWanted = false;
                _isWanted |= (await WithStoreAsync(LookOnceAsync)).Value;
            }
        }
        finally
        {
            _isLooking = false;
        }
    }

    /// <inheritdoc/>
    public Task ReceiveReminder(string reminderName, TickStatus status) => LookAsync();

    /// <summary>It has nothing of the store, so a failure of it makes nothing wrong: the next tick looks again.</summary>
    protected override void OnStoreFailure()
    {
    }

    // The answer is whether there is more to look at: the wave has changed, by this look or by somebody else.
    private async Task<Outcome<bool>> LookOnceAsync()
    {
        if (await ReadAsync() is not { Wave: { IsOver: false } wave } known)
        {
            // Who is about to begin or to take back has set what wakes it.
            if (_acting == 0)
            {
                await StopDrivingAsync();
            }

            return Outcome<bool>.Ok(false);
        }

        if (_driver is null)
        {
            await WakeAsync(wave);
        }

        Drive(wave);
        var fleets = await orders.FindAsync(Tenant, wave, step => WaveDecider.Watches(wave, step));
        var next = Look(wave, fleets);
        if (ReferenceEquals(next, wave) && fleets.Any(fleet => WaveDecider.OrderFor(wave, fleet) is not null))
        {
            var refused = (await Task.WhenAll(fleets.Select(fleet => CarryOutAsync(wave, fleet)))).OfType<(string Fleet, Problem Problem)>()
                .ToDictionary(one => one.Fleet, one => one.Problem, StringComparer.Ordinal);
            fleets = await orders.FindAsync(Tenant, wave, step => WaveDecider.Watches(wave, step));
            next = Look(wave, [.. fleets.Select(fleet => fleet with { Refused = refused.GetValueOrDefault(fleet.Fleet) })]);
        }

        if (ReferenceEquals(next, wave))
        {
            return Outcome<bool>.Ok(false);
        }

        logger.LogInformation("Wave {Wave} of {Tenant} is {State}: {Sentence}", WaveId, Tenant, WaveDecider.NameOf(next.State), next.Why.Sentence);
        await store.CommitAsync(ChangeOf(known, next, null));
        return Outcome<bool>.Ok(true);
    }

    private Wave Look(Wave wave, ImmutableArray<WaveFleet> fleets) =>
        WaveDecider.Decide(wave, new WaveCommand.Look(fleets), clock.GetUtcNow()).Value!;

    // What it asks of a fleet, where it asks anything; the answer is the refusal.
    private async Task<(string Fleet, Problem Problem)?> CarryOutAsync(Wave wave, WaveFleet fleet)
    {
        if (WaveDecider.OrderFor(wave, fleet) is not { } order)
        {
            return null;
        }

        if (order == WaveOrder.Start && _waiting.TryGetValue(fleet.Fleet, out var waiting) && clock.GetUtcNow() < waiting.Until)
        {
            return (fleet.Fleet, waiting.Problem);
        }

        _waiting.Remove(fleet.Fleet);
        var asked = await orders.AskAsync(Tenant, wave, fleet, order);
        if (asked.Succeeded || asked.Problems[0] is not { Code: not RolloutProblems.Exists } problem)
        {
            return null;
        }

        if (order == WaveOrder.Start && WaveRules.Passes(problem.Code))
        {
            var after = asked.RetryAfter ?? TryAgainAfter;
            after = after < TryAgainAfterMin ? TryAgainAfterMin : after > TryAgainAfterMax ? TryAgainAfterMax : after;
            _waiting[fleet.Fleet] = (problem, clock.GetUtcNow() + after);
        }

        return (fleet.Fleet, problem);
    }

    private Task<Outcome<WaveView>> ActAsync(Caller caller, Func<ImmutableArray<WaveFleet>, WaveCommand> command) => CommitAsync(caller, async () =>
    {
        if (await ReadAsync() is not { Wave: { } wave } known)
        {
            return Unknown<Proposal<WaveView>>();
        }

        var fleets = await FindAllAsync(wave);
        var decided = WaveDecider.Decide(wave, command(fleets), clock.GetUtcNow());
        if (!decided.Succeeded)
        {
            return decided.As<Proposal<WaveView>>();
        }

        if (wave.IsOver)
        {
            await WakeAsync(decided.Value);
        }

        return Propose(known, decided.Value, fleets, caller, 200);
    });

    private async Task<Outcome<WaveView>> CommitAsync(Caller caller, Func<Task<Outcome<Proposal<WaveView>>>> propose)
    {
        _acting++;
        try
        {
            return await WithStoreAsync(() => committer.CommitAsync(Tenant, caller, propose));
        }
        finally
        {
            _acting--;
        }
    }

    private Outcome<Proposal<WaveView>> Propose(StoredWave known, Wave next, ImmutableArray<WaveFleet> fleets, Caller caller, int status, DecidedWave? start = null)
    {
        var answer = WaveView.Of(next, fleets);
        return Outcome<Proposal<WaveView>>.Ok(new Proposal<WaveView>(answer, ChangeOf(known, next, Operations.Write(caller, status, answer), start))
        {
            // By a call of its own, so that the caller does not wait for it.
            Then = () => GrainFactory.Wave(Tenant, WaveId).LookAsync(),
        });
    }

    private PolicyChange ChangeOf(StoredWave known, Wave next, OperationWrite? operation, DecidedWave? start = null) => new()
    {
        Tenant = Tenant,
        Audit = [WaveAudit.Describe(known.Wave, next, clock.GetUtcNow())],
        Operation = operation,
        Control = ControlWrite.Of(ControlKinds.Wave, WaveId, next, known.Revision) with { OfKindMax = start?.Others + 1 },
        DecidedOn = start?.DecidedOn ?? [],
    };

    private async Task<StoredWave?> ReadAsync() =>
        (await store.ListControlsAsync(Tenant, ControlKinds.Wave, WaveId)).FirstOrDefault() is { } stored
            ? new StoredWave(stored.Read<Wave>(), stored.Revision)
            : null;

    private Task<ImmutableArray<WaveFleet>> FindAllAsync(Wave wave) => orders.FindAsync(Tenant, wave, _ => true);

    private ImmutableArray<WaveFleet> WithWaiting(ImmutableArray<WaveFleet> fleets) =>
    [
        .. fleets.Select(fleet => fleet.Rollout is null && _waiting.TryGetValue(fleet.Fleet, out var waiting) ? fleet with { Refused = waiting.Problem } : fleet),
    ];

    private void Drive(Wave wave)
    {
        var period = wave.State == WavePhase.Halted ? LookAtHaltedEvery : LookEvery;
        if (_driver is null || _driverPeriod != period)
        {
            _driver?.Dispose();
            _driverPeriod = period;
            _driver = this.RegisterGrainTimer(
                (_, _) => LookAsync(), (object?)null, new GrainTimerCreationOptions { DueTime = period, Period = period, KeepAlive = true });
        }
    }

    // Before a wave is durable, or goes on after it was over: whatever dies after that, or does not hear that it is durable, the reminder
    // or the timer looks.
    private async Task WakeAsync(Wave wave)
    {
        try
        {
            await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
        }
#pragma warning disable CA1031 // Of whatever kind it is: what nobody would wake must not begin.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new StoreUnavailableException("The reminder of a wave could not be set.", exception);
        }

        Drive(wave);
    }

    private async Task StopDrivingAsync()
    {
        _driver?.Dispose();
        _driver = null;
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    private Outcome<T> Unknown<T>() => Outcome<T>.Fail(WaveRules.UnknownCode, $"There is no wave '{WaveId}'.");

    // The wave as it is stored; none: it is not there yet.
    private sealed record StoredWave(Wave? Wave, long Revision);
}
