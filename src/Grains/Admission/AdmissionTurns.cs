namespace OrleansPolicy.Grains.Admission;

/// <summary>
/// The calls of one limiter, one after the other in the order in which they came. Whose turn it is sees which admissions are asked for
/// next, and may answer them with its own: then they find that on their turn.
/// </summary>
internal sealed class AdmissionTurns
{
    private readonly Queue<(AdmissionAsk? Ask, TaskCompletionSource Called)> _waiting = new();
    private bool _isTaken;

    /// <summary>The admissions that are asked for next, as far as no call of another kind is between them.</summary>
    public IEnumerable<AdmissionAsk> Next => _waiting.TakeWhile(waiting => waiting.Ask is not null).Select(waiting => waiting.Ask!);

    /// <summary>Waits for a turn, and takes it.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> turn, AdmissionAsk? ask = null)
    {
        if (_isTaken)
        {
            var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((ask, called));
            await called.Task;
        }

        _isTaken = true;
        try
        {
            return await turn();
        }
        finally
        {
            // It goes from hand to hand: who comes now is behind all who wait.
            if (_waiting.TryDequeue(out var next))
            {
                next.Called.SetResult();
            }
            else
            {
                _isTaken = false;
            }
        }
    }
}
