namespace OrleansPolicy.Client;

/// <summary>Lets a loop sleep until a time has passed or somebody has something for it. Being woken twice is being woken once.</summary>
internal sealed class Wakeup(TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _sleeper;
    private bool _woken;

    public void Wake()
    {
        lock (_lock)
        {
            _woken = true;
            _sleeper?.TrySetResult();
        }
    }

    public async Task SleepAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        TaskCompletionSource sleeper;
        lock (_lock)
        {
            if (_woken)
            {
                _woken = false;
                return;
            }

            sleeper = _sleeper = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        try
        {
            await sleeper.Task.WaitAsync(longest, time, cancellationToken);
        }
        catch (TimeoutException)
        {
        }

        lock (_lock)
        {
            _sleeper = null;
            _woken = false;
        }
    }
}
