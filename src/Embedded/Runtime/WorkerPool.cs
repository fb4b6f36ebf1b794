namespace Orleans.Runtime;

/// <summary>The activations of one stateless worker on one silo. A new one is made while all are busy and the limit is not reached.</summary>
internal sealed class WorkerPool(Silo silo, GrainId id, GrainClass grainClass) : CallTarget
{
    private readonly Lock _gate = new();
    private readonly List<Activation> _workers = [];

    public override Participant Home => silo;

    public override bool Takes(Participant caller) => caller == silo || (caller is not Silo && !silo.IsDraining);

    public override bool TryDeliver(GrainCall call)
    {
        lock (_gate)
        {
            while (!silo.IsGone)
            {
                var worker = _workers.MinBy(w => w.Load);
                if ((worker is null || worker.Load > 0) && _workers.Count < grainClass.MaxLocalWorkers)
                {
                    worker = new Activation(silo, grainClass, id);
                    if (!silo.Start(worker))
                    {
                        return false;
                    }

                    _workers.Add(worker);
                }

                if (worker!.TryDeliver(call))
                {
                    return true;
                }

                _workers.Remove(worker);
            }

            return false;
        }
    }

    public void Remove(Activation worker)
    {
        lock (_gate)
        {
            _workers.Remove(worker);
        }
    }

    public override void CancelInTurn(CancellationTokenSource cancellation) =>
        throw new InvalidOperationException("A call is cancelled at the worker that has it.");
}
