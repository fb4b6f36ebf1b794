using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OrleansPolicy.Abstractions;
using OrleansPolicy.Admission;
using OrleansPolicy.Audit;
using OrleansPolicy.Fleets;
using OrleansPolicy.Grains.Commits;
using OrleansPolicy.Grains.Storage;
using OrleansPolicy.Rollouts;

namespace OrleansPolicy.Grains.Rollouts;

/// <summary>
/// Drives one rollout: looks at the fleet, asks the decider, commits what it decides, tells the fleet. A timer drives it while it
/// lives, the scanners' look finds it when it does not, a reminder is the last resort. Every turn is bounded and may be repeated: the
/// rollout's revision lets each decision take effect once.
/// </summary>
[GrainType("policy.rollout-wedge")]
internal sealed class RolloutWedgeGrain(
    IRolloutStore store,
    ChangeCommitter committer,
    RolloutStarts starts,
    FastTracks fastTracks,
    RolloutLooks looks,
    RolloutChanges changes,
    RolloutNews news,
    [FromKeyedServices(PolicyClock.Key)] TimeProvider clock,
    ILogger<RolloutWedgeGrain> logger)
    : StoreBackedGrain(logger), IRolloutWedgeGrain, IRemindable
{
    private const string ReminderName = "look";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    // Nodes report every five seconds unless told otherwise: looking more often than this sees nothing new, and hundreds of rollouts look.
    private static readonly TimeSpan LookPeriodMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookPeriodMin = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan BehindWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReturnLookPeriod = TimeSpan.FromMilliseconds(200);

    // How many looks a window gets at least: a short contract hour must not end between two of them.
    private const int LooksPerWindow = 20;

    private RolloutState? _state;
    private FleetObservation? _seen;
    private long _highestEpoch;
    private IGrainTimer? _driver;
    private TimeSpan _driverPeriod;
    private DateTimeOffset? _durableAt;

    private string Tenant => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Tenant;

    private string RolloutId => GrainKeys.ReadPair(this.GetPrimaryKeyString()).Name;

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> StartAsync(StartRollout request, Caller caller) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, async () =>
        {
            if (await LoadAsync() is not null)
            {
                return Outcome<Proposal<RolloutView>>.Fail("rollout.exists", $"Rollout {RolloutId} was started before.");
            }

            var seen = await FleetOf(request.Fleet).ObserveAsync(new FleetWatch(DateTimeOffset.MaxValue, 0), CensusSource.Stored);
            if (!seen.Succeeded)
            {
                return seen.As<Proposal<RolloutView>>();
            }

            var decided = await starts.DecideAsync(Tenant, RolloutId, request, seen.Value, caller);
            return decided.Succeeded
                ? Outcome<Proposal<RolloutView>>.Ok(Propose(decided.Value.Change, caller, 201, decided.Value.Fleet.Revision) with
                {
                    Admission = new AdmissionDemand(AdmissionDemand.StartRollout, request.Fleet, caller.By.Subject),
                })
                : decided.As<Proposal<RolloutView>>();
        }));

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> GetAsync() => WithStoreAsync(async () =>
    {
        if (await LoadAsync() is not { } state)
        {
            return Unknown<RolloutView>();
        }

        // Counts belong to the directive in force; those of a rollout that another one followed are gone.
        var seen = await ObserveAsync(state, CensusSource.None);
        if (seen.Value is { } fleet && fleet.Directive.Epoch != state.Epoch)
        {
            // Somebody else wrote a directive, and perhaps the end of this rollout with it; or the database is an older one.
            _state = null;
            state = await LoadAsync() ?? state;
        }

        var now = seen.Value?.Directive.Epoch == state.Epoch ? seen.Value : null;
        return Outcome<RolloutView>.Ok(RolloutViews.View(state, now?.Nodes, seen.Value?.Return, now?.Shadow));
    });

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> PauseAsync(string reason, Caller caller) =>
        ActAsync(caller, _ => Task.FromResult<RolloutCommand>(new RolloutCommand.Pause(caller.By, reason)));

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> ResumeAsync(string reason, Caller caller) =>
        ActAsync(caller, _ => Task.FromResult<RolloutCommand>(new RolloutCommand.Resume(caller.By, reason)));

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> ApproveAsync(string reason, Caller caller, string? stageId) =>
        ActAsync(caller, _ => Task.FromResult<RolloutCommand>(new RolloutCommand.Approve(caller.By, reason, stageId)));

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> AttestAsync(string criterion, bool met, string reason, Caller caller) =>
        ActAsync(caller, _ => Task.FromResult<RolloutCommand>(new RolloutCommand.Attest(caller.By, criterion, met, reason)));

    /// <inheritdoc/>
    public async Task<Outcome<RolloutView>> RollBackAsync(string reason, Caller caller)
    {
        var acceptedAt = clock.GetUtcNow();
        var known = await WithStoreAsync(FindOwnAsync);
        if (known is { Succeeded: false, Problems: [{ Code: FleetProblems.EpochBehind }, ..] })
        {
            return known.As<RolloutView>();
        }

        if (known.Value is { } rollout && await FindBehindAsync(rollout.Fleet, Math.Max(_highestEpoch, rollout.Epoch)) is { } behind)
        {
            return Outcome<RolloutView>.Fail([behind]);
        }

        return await ActAsync(caller, async state =>
        {
            // From the store, not from the fleet's grain: the way back needs nobody else to be alive.
            var fleet = await store.ReadFleetAsync(Tenant, state.Fleet)
                ?? throw new StoreUnavailableException($"The fleet {state.Fleet} of a rollout is not in the store.");
            return new RolloutCommand.RollBack(caller.By, reason, fleet.Directive, acceptedAt);
        });
    }

    /// <inheritdoc/>
    public Task<Outcome<RolloutView>> FastTrackAsync(FastTrackFleet request, Caller caller)
    {
        var acceptedAt = clock.GetUtcNow();
        return WithStoreAsync(() => committer.CommitAsync(Tenant, caller, async () =>
        {
            if (await LoadAsync() is not null)
            {
                return Outcome<Proposal<RolloutView>>.Fail(RolloutProblems.Exists, $"Rollout {RolloutId} was started before.");
            }

            if (await FindBehindAsync(request.Fleet, 0) is { } behind)
            {
                return Outcome<Proposal<RolloutView>>.Fail([behind]);
            }

            var decided = await fastTracks.DecideAsync(Tenant, RolloutId, request, acceptedAt, caller);

            // Where it must be decided again because the fleet has moved, it is to the same bundle: what is the last good one may be
            // another by then.
            request = request with { Ref = decided.Value?.After.Target ?? request.Ref };
            return decided.Succeeded
                ? Outcome<Proposal<RolloutView>>.Ok(Propose(decided.Value, caller, 202))
                : decided.As<Proposal<RolloutView>>();
        }));
    }

    /// <inheritdoc/>
    public async Task<bool> LookAsync() => (await WithStoreAsync(async () =>
    {
        if (await LoadAsync() is not { IsFinal: false } state)
        {
            await StopDrivingAsync();
            return _state is { } final ? Outcome<RolloutView>.Ok(RolloutViews.View(final, null)) : Unknown<RolloutView>();
        }

        Drive(state);
        news.CountLook(state);
        var looked = await committer.CommitAsync(Tenant, new Caller(Actor.ControlPlane("timer")), ProposeLookAsync);
        if (!looked.Succeeded)
        {
            logger.LogWarning("Rollout {Rollout} could not be looked at: {Code} {Message}", RolloutId, looked.Problems[0].Code, looked.Problems[0].Message);
        }

        return looked;
    })).Succeeded;

    /// <inheritdoc/>
    public Task ReceiveReminder(string reminderName, TickStatus status) => LookAsync();

    private async Task<Outcome<Proposal<RolloutView>>> ProposeLookAsync()
    {
        if (await LoadAsync() is not { IsFinal: false } state)
        {
            return Unknown<Proposal<RolloutView>>();
        }

        var looked = await looks.DecideAsync(state, _durableAt);
        if (!looked.Succeeded)
        {
            return looked.As<Proposal<RolloutView>>();
        }

        Note(looked.Value.Seen);
        var proposal = Propose(looked.Value.Change, new Caller(Actor.ControlPlane("timer")), 200);
        if (looked.Value.Seen.Directive.Epoch != state.Epoch)
        {
            // Somebody else wrote a directive, and perhaps the end of this rollout with it, or the database is an older one: the next look reads.
            _state = null;
        }

        return Outcome<Proposal<RolloutView>>.Ok(proposal);
    }

    private Task<Outcome<RolloutView>> ActAsync(Caller caller, Func<RolloutState, Task<RolloutCommand>> command) => WithStoreAsync(
        () => committer.CommitAsync(Tenant, caller, async () =>
        {
            if (await LoadAsync() is not { } state)
            {
                return Unknown<Proposal<RolloutView>>();
            }

            var decided = changes.Decide(state, await command(state), _seen);
            if (!decided.Succeeded)
            {
                // What was cached may be older than what another silo decided: nobody is refused on hearsay.
                _state = null;
                state = await LoadAsync() ?? state;
                decided = changes.Decide(state, await command(state), _seen);
            }

            if (!decided.Succeeded)
            {
                return decided.As<Proposal<RolloutView>>();
            }

            return Outcome<Proposal<RolloutView>>.Ok(Propose(decided.Value, caller, 200));
        }));

    private Proposal<RolloutView> Propose(DecidedChange decided, Caller caller, int status, long? fleetRevision = null)
    {
        var answer = RolloutViews.View(decided.After, _seen?.Directive.Epoch == decided.After.Epoch ? _seen.Nodes : null, _seen?.Return);
        if (ReferenceEquals(decided.Before, decided.After))
        {
            return new Proposal<RolloutView>(answer);
        }

        // Until the commit succeeds what is cached is not known to be true.
        _state = null;
        return new Proposal<RolloutView>(answer, decided.ToChange(Operations.Write(caller, status, answer), fleetRevision))
        {
            Then = () => FollowAsync(decided),
        };
    }

    // What follows a durable decision. None of it may fail the decision: the feeds read the directive within a second by
    // themselves, the scanners find what is not driven.
    private async Task FollowAsync(DecidedChange decided)
    {
        _state = decided.After;
        _durableAt = decided.After.Return is { IsOpen: true } ? _durableAt ?? clock.GetUtcNow() : null;
        await news.TellAsync(decided);
        try
        {
            if (decided.After.IsFinal)
            {
                await StopDrivingAsync();
            }
            else
            {
                Drive(decided.After);
                if (decided.Before is null)
                {
                    await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
                }
            }
        }
#pragma warning disable CA1031 // The decision is durable and stands; whatever failed here is made good by the scanner and the feeds.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogWarning(exception, "Rollout {Rollout} was changed, but not everybody could be told at once.", RolloutId);
        }
    }

    private void Drive(RolloutState state)
    {
        var window = TimeSpan.FromSeconds((state.Plan?.ObservationWindowHours ?? 1) * state.HourSeconds);
        var period = state.Return switch
        {
            null => window / LooksPerWindow,
            { OverdueAt: null } => ReturnLookPeriod,
            _ => LookPeriodMax,
        };
        period = period < LookPeriodMin ? LookPeriodMin : period > LookPeriodMax ? LookPeriodMax : period;
        if (_driver is null || _driverPeriod != period)
        {
            _driver?.Dispose();
            _driverPeriod = period;
            _driver = this.RegisterGrainTimer(
                (_, _) => LookAsync(), (object?)null, new GrainTimerCreationOptions { DueTime = period, Period = period, KeepAlive = true });
        }
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

    private async Task<RolloutState?> LoadAsync() => _state ??= await store.ReadRolloutAsync(Tenant, RolloutId);

    private async Task<Outcome<FleetObservation>> ObserveAsync(RolloutState state, CensusSource census)
    {
        var seen = await looks.ObserveAsync(state, census, _durableAt);
        if (seen.Succeeded)
        {
            Note(seen.Value);
        }

        return seen;
    }

    private void Note(FleetObservation seen) => (_seen, _highestEpoch) = (seen, Math.Max(_highestEpoch, seen.Directive.Epoch));

    // What this grain saw of its fleet tells it by itself that the database is an older one now, whoever of the others lives.
    private async Task<Outcome<RolloutState>> FindOwnAsync()
    {
        if (await LoadAsync() is not { } state)
        {
            return Unknown<RolloutState>();
        }

        var highest = Math.Max(_highestEpoch, state.Epoch);
        return await store.ReadFleetAsync(Tenant, state.Fleet) is { Directive.Epoch: var stored } && stored < highest
            ? Outcome<RolloutState>.Fail([FleetProblems.Behind(highest, stored)])
            : Outcome<RolloutState>.Ok(state);
    }

    // A directive that is older than what nodes obeyed is not obeyed: then a way back would be none. Asked of the truth, for a database that
    // is older now is written to next. Where the fleet's grain does not say so at once it is not waited for.
    private async Task<Problem?> FindBehindAsync(string fleet, long knownEpoch)
    {
        try
        {
            return (await FleetOf(fleet).ReadAsync(knownEpoch).WaitAsync(BehindWithin, clock)).Value is { EpochBehind: { } known } behind
                ? FleetProblems.Behind(known, behind.Directive.Epoch)
                : null;
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            return null;
        }
    }

    private IFleetGrain FleetOf(string fleet) => GrainFactory.Fleet(Tenant, fleet);

    private Outcome<T> Unknown<T>() => Outcome<T>.Fail("rollout.unknown", $"There is no rollout '{RolloutId}'.");
}
