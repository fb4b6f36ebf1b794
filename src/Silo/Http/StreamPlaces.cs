namespace OrleansPolicy.Silo.Http;

/// <summary>How many streams may be open that read the database once a second each.</summary>
public sealed class StreamPlaces
{
    /// <summary>So many.</summary>
    public const int PlacesMax = 100;

    private int taken;

    /// <summary>A place, given back by disposing; null where there is none.</summary>
    public IDisposable? TryTake()
    {
        if (Interlocked.Increment(ref taken) <= PlacesMax)
        {
            return new Place(this);
        }

        Interlocked.Decrement(ref taken);
        return null;
    }

    private sealed class Place(StreamPlaces places) : IDisposable
    {
        private int given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref given, 1) == 0)
            {
                Interlocked.Decrement(ref places.taken);
            }
        }
    }
}
