using OrleansPolicy.Silo.Security;

namespace OrleansPolicy.Silo.Http;

/// <summary>
/// How many streams may be open in this process: each may read the database once a second. A key and a tenant have a share of them, so
/// that none takes the places of the others.
/// </summary>
public sealed class StreamPlaces
{
    /// <summary>So many of one key.</summary>
    public const int OfKeyMax = 10;

    /// <summary>So many that follow one tenant.</summary>
    public const int OfTenantMax = 50;

    /// <summary>So many in all.</summary>
    public const int PlacesMax = 200;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> taken = new(StringComparer.Ordinal);

    /// <summary>A stream, which keeps its place as long as it is open; 503 <c>service.busy</c> where there is none.</summary>
    public IResult Open(HttpContext http, string tenant, Func<ServerSentEvents.Stream, CancellationToken, Task> follow)
    {
        Share[] shares =
        [
            new("key " + http.ApiCaller().Key.KeyId, OfKeyMax, "by this key"),
            new("tenant " + tenant, OfTenantMax, "of this tenant"),
            new("all", PlacesMax, "here"),
        ];
        lock (gate)
        {
            if (Array.Find(shares, share => taken.GetValueOrDefault(share.Name) >= share.Max) is { } full)
            {
                return new ProblemAnswer([new Problem("service.busy", $"{full.Max} streams {full.Whose} are open, and no more may be. Close one, or come back.")], RetryAfter);
            }

            Array.ForEach(shares, share => taken[share.Name] = taken.GetValueOrDefault(share.Name) + 1);
        }

        return new ServerSentEvents(follow, new Place(this, shares));
    }

    private void GiveBack(Share[] shares)
    {
        lock (gate)
        {
            foreach (var share in shares)
            {
                if (--taken[share.Name] == 0)
                {
                    taken.Remove(share.Name);
                }
            }
        }
    }

    private sealed record Share(string Name, int Max, string Whose);

    private sealed class Place(StreamPlaces places, Share[] shares) : IDisposable
    {
        private int given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref given, 1) == 0)
            {
                places.GiveBack(shares);
            }
        }
    }
}
