using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Embedded;
using Orleans.Hosting;
using Orleans.Reminders;

namespace Orleans.Runtime;

/// <summary>
/// Wakes grains. Every silo has one; the one of the oldest silo that runs does the work, so that a crash hands it on. All it
/// does happens in turns of its own scheduler.
/// </summary>
internal sealed partial class ReminderService : ISiloPart
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(40);

    private readonly Silo _silo;
    private readonly IReminderRows _rows;
    private readonly ReminderOptions _options;
    private readonly TimeProvider _time;
    private readonly TurnScheduler _scheduler;
    private readonly Dictionary<(GrainId, string), LocalReminder> _local = [];
    private readonly ITimer _refresh;

    public ReminderService(Silo silo, IReminderRows rows, IOptions<ReminderOptions> options)
    {
        (_silo, _rows, _options) = (silo, rows, options.Value);
        _time = silo.TimeFor(ReminderTimeProviderNames.Reminders);
        _scheduler = new TurnScheduler($"reminders/{silo.Name}", silo.Cluster.Sources.Turns);
        _refresh = _time.CreateTimer(_ => Post(RefreshAsync), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private bool IsInCharge => _silo.Cluster.Silos is [var oldest, ..] && oldest == _silo;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _silo.Cluster.SilosChanged += OnSilosChanged;
        return Task.CompletedTask;
    }

    public async Task<IGrainReminder> RegisterOrUpdateAsync(GrainId grainId, string name, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.Zero);
        if (period < _options.MinimumReminderPeriod)
        {
            throw new ArgumentException($"The period {period} of reminder {name} is less than the minimum {_options.MinimumReminderPeriod}.", nameof(period));
        }

        var row = new ReminderRow(grainId, name, _time.GetUtcNow().UtcDateTime + dueTime, period, "");
        row = row with { ETag = await _rows.UpsertAsync(row) };
        InCharge()?.Post(service => service.Track(row));
        return row;
    }

    public async Task UnregisterAsync(IGrainReminder reminder)
    {
        var row = reminder as ReminderRow ?? throw new ArgumentException("This reminder comes from somewhere else.", nameof(reminder));
        if (!await _rows.RemoveAsync(row.GrainId, row.ReminderName, row.ETag))
        {
            throw new ReminderException($"Reminder {row.ReminderName} of {row.GrainId} was changed or removed meanwhile.");
        }

        InCharge()?.Post(service => service.Drop(row.GrainId, row.ReminderName));
    }

    public async Task<IGrainReminder?> GetAsync(GrainId grainId, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return await _rows.ReadAsync(grainId, name);
    }

    public async Task<List<IGrainReminder>> GetAllAsync(GrainId grainId) => [.. await _rows.ReadAsync(grainId)];

    private ReminderService? InCharge() => _silo.Cluster.Silos is [var oldest, ..] ? oldest.Reminders : null;

    private void OnSilosChanged()
    {
        if (_silo.IsDraining)
        {
            _silo.Cluster.SilosChanged -= OnSilosChanged;
        }

        Post(RefreshAsync);
    }

    private void Post(Action<ReminderService> action) =>
        Task.Factory.StartNew(() => action(this), CancellationToken.None, TaskCreationOptions.None, _scheduler);

    private void Post(Func<Task> action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, _scheduler);

    /// <summary>Makes what is waited for here what the table says; somebody else may have written it.</summary>
    private async Task RefreshAsync()
    {
        if (!IsInCharge)
        {
            foreach (var (grainId, name) in _local.Keys.ToArray())
            {
                Drop(grainId, name);
            }

            if (_silo.IsDraining)
            {
                await _refresh.DisposeAsync();
            }

            return;
        }

        try
        {
            var before = _local.Keys.ToHashSet();
            var rows = await _rows.ReadAllAsync();
            foreach (var row in rows)
            {
                Track(row);
            }

            before.ExceptWith(rows.Select(row => (row.GrainId, row.ReminderName)));
            foreach (var (grainId, name) in before)
            {
                Drop(grainId, name);
            }
        }
        catch (Exception exception)
        {
            Log.RefreshFailed(_silo.Logger, exception);
        }

        if (!_silo.IsDraining)
        {
            _refresh.Change(_options.RefreshReminderListPeriod, Timeout.InfiniteTimeSpan);
        }
    }

    private void Track(ReminderRow row)
    {
        var key = (row.GrainId, row.ReminderName);
        if (_local.TryGetValue(key, out var known))
        {
            if (known.Row.ETag == row.ETag)
            {
                return;
            }

            known.Dispose();
        }

        _local[key] = new LocalReminder(this, row);
    }

    private void Drop(GrainId grainId, string name)
    {
        if (_local.Remove((grainId, name), out var reminder))
        {
            reminder.Dispose();
        }
    }

    private sealed class LocalReminder : IDisposable
    {
        private readonly ReminderService _service;
        private readonly ITimer _timer;
        private DateTime _due;
        private bool _disposed;

        public LocalReminder(ReminderService service, ReminderRow row)
        {
            (_service, Row) = (service, row);
            _timer = service._time.CreateTimer(_ => service.Post(TickAsync), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _due = row.StartAt >= Now ? row.StartAt : After(Now);
            Wait();
        }

        public ReminderRow Row { get; }

        private DateTime Now => _service._time.GetUtcNow().UtcDateTime;

        public void Dispose()
        {
            _disposed = true;
            _timer.Dispose();
        }

        /// <summary>The first of StartAt, StartAt + Period, ... after a moment: ticks that fell into a downtime are not made up for.</summary>
        private DateTime After(DateTime moment) => Row.Period <= TimeSpan.Zero
            ? moment
            : moment.AddTicks(Row.Period.Ticks - ((moment - Row.StartAt).Ticks % Row.Period.Ticks));

        private void Wait()
        {
            // A timer takes 49 days at most; a longer wait is taken in parts.
            var wait = _due - Now;
            _timer.Change(wait < TimeSpan.Zero ? TimeSpan.Zero : wait < s_longest ? wait : s_longest, Timeout.InfiniteTimeSpan);
        }

        private async Task TickAsync()
        {
            var now = Now;
            if (_disposed || !_service.IsInCharge)
            {
                return;
            }

            // A timer may come early, by the grain of its clock or because the wait is taken in parts.
            if (now >= _due)
            {
                try
                {
                    var grain = (IRemindable)_service._silo.ReferenceTo(Row.GrainId, typeof(IRemindable));
                    await grain.ReceiveReminder(Row.ReminderName, new TickStatus(Row.StartAt, Row.Period, now));
                }
                catch (Exception exception)
                {
                    Log.TickFailed(_service._silo.Logger, Row.ReminderName, Row.GrainId, exception);
                }

                _due = After(Now);
            }

            if (!_disposed)
            {
                Wait();
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Warning, "Reminder {Name} of {Grain} failed; its next tick comes in time")]
        public static partial void TickFailed(ILogger logger, string name, GrainId grain, Exception exception);

        [LoggerMessage(21, LogLevel.Warning, "The reminder table could not be read; what is known goes on")]
        public static partial void RefreshFailed(ILogger logger, Exception exception);
    }
}
