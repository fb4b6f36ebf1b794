using OrleansPolicy.Fleets;
using OrleansPolicy.Parity;

namespace OrleansPolicy.Grains.Fleets;

// What the fleet reads, keeps and passes on.
internal sealed partial class FleetGrain
{
    private Task<Outcome<T>> WithFleetAsync<T>(Func<FleetRegistry, Task<Outcome<T>>> turn) => WithStoreAsync(async () =>
    {
        if (!_isTrusted)
        {
            // One load for all who wait for it. A completed one is an old one: it found no fleet, or failed.
            await (_loading is { IsCompleted: false } running ? running : _loading = LoadAsync());
        }

        return _registry is { } registry ? await turn(registry) : FleetProposals.Unknown<T>(Fleet);
    });

    private async Task LoadAsync()
    {
        if (_registry is null)
        {
            await LoadFirstAsync();
        }
        else
        {
            await RefreshAsync();
            await ReadRegistryAsync(_registry);
        }

        _isTrusted = _registry is not null;
    }

    private async Task LoadFirstAsync()
    {
        // The directive first: a node that registers between the two reads is in no cohort of it, and is here.
        if (await _store.ReadFleetAsync(Tenant, Fleet) is { } fleet)
        {
            var nodes = await _store.ListNodesAsync(Tenant, Fleet);
            var now = _clock.GetUtcNow();
            var registry = new FleetRegistry(Guid.NewGuid().ToString("N"), fleet.Directive, now);
            registry.Apply(nodes, [], now);
            if (Lease.FenceAfterMax(fleet.Settings) is { } fenceAfter)
            {
                registry.Remember(await _store.ListLeftAsync(Tenant, Fleet, now - fenceAfter));
            }

            (_fleet, _registry) = (FleetProposals.SnapshotOf(fleet), registry);
            this.RegisterGrainTimer(SweepAsync, new GrainTimerCreationOptions { DueTime = SweepEvery, Period = SweepEvery, KeepAlive = true });
        }
    }

    // A registration that became durable while the rows were read is in memory and not in them: then they are read again. While
    // nodes keep joining, memory knows all that matters, for it is this grain that registers them.
    private async Task ReadRegistryAsync(FleetRegistry registry)
    {
        for (var attempt = 1; attempt <= ReadsMax; attempt++)
        {
            var stamp = registry.Stamp;
            var nodes = await _store.ListNodesAsync(Tenant, Fleet);
            if (registry.Stamp == stamp)
            {
                Tell(registry.Replace(nodes, _clock.GetUtcNow()));
                return;
            }
        }
    }

    private FleetSnapshot Snapshot() => _fleet! with { EpochBehind = _registry!.EpochBehind };

    // A node that knows a higher epoch heard it from a silo that read it: this fleet missed the news. Where the truth itself is lower,
    // it is an older one than the node has seen.
    private async Task CheckEpochAsync(FleetRegistry registry)
    {
        if (registry.EpochBehind is not null || registry.HighestArmEpoch > Math.Max(_fleet!.Arms.Epoch, _armEpochChecked))
        {
            if (_clock.GetElapsedTime(_epochCheckedAt) < EpochCheckEvery)
            {
                return;
            }

            await RefreshAsync();
            _epochCheckedAt = _clock.GetTimestamp();
            _armEpochChecked = registry.HighestArmEpoch;
        }

        TellBehind(registry);
    }

    private void TellBehind(FleetRegistry registry)
    {
        if (registry.EpochBehind != _toldBehind)
        {
            _toldBehind = registry.EpochBehind;
            var snapshot = Snapshot();
            _observers.Tell(observer => observer.ChangedAsync(snapshot));
        }
    }

    // Reads the row again and passes on what is new. A row that is older than what was known before it was asked for is taken too: then
    // the database is, and the registry knows what its nodes obeyed. A fleet that is not there any more is the oldest truth there can be.
    private async Task RefreshAsync()
    {
        if (_fleet is not { } before)
        {
            return;
        }

        var read = await _store.ReadFleetAsync(Tenant, Fleet) is { } stored
            ? FleetProposals.SnapshotOf(stored)
            : before with { Directive = new Directive { Epoch = 0 }, Parity = FleetParity.None, Revision = 0 };
        if (_fleet.AfterReading(read, before) is { } after)
        {
            Know(after);
        }
    }

    // What is stored has a revision from 1 on.
    private bool IsGone => _fleet is { Revision: 0 };

    private void Take(FleetSnapshot fleet) => Know(_fleet!.With(fleet));

    private void Know(FleetSnapshot fleet)
    {
        var isNewDirective = fleet.Directive.Epoch != _fleet!.Directive.Epoch;
        _fleet = fleet;
        var news = isNewDirective ? _registry!.SetDirective(_fleet.Directive, _clock.GetUtcNow()) : null;
        var snapshot = Snapshot();
        _observers.Tell(observer => observer.ChangedAsync(snapshot));
        Tell(news);
        LeadGroups();
    }

    private async Task ReadNewsAsync() => _ = await WithStoreAsync(async () =>
    {
        await RefreshAsync();
        return Outcome<bool>.Ok(true);
    });

    // Nobody waits for it: it goes on by itself, by what its nodes say and by this grain's timer.
    private void LeadGroups()
    {
        if (_parity.MayAct(_fleet, _registry))
        {
            _leading ??= this.RegisterGrainTimer(
                () =>
                {
                    LeadGroups();
                    return Task.CompletedTask;
                },
                new GrainTimerCreationOptions { DueTime = LeadEvery, Period = LeadEvery, KeepAlive = true });
            _ = _parity.DriveAsync(() => _fleet is { } fleet && _registry is { } registry ? (fleet, registry) : null, Take, RefreshAsync);
        }
    }
}
