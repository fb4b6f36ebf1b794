using System.Collections.Immutable;

namespace OrleansPolicy.Client;

/// <summary>
/// Which of a control plane's addresses is asked. One drawn at random, so that a thousand clients spread over the silos; another one
/// when it fails; and now and then another one anyway, so that a silo that was restarted gets its share again.
/// </summary>
internal sealed class ServerChoice
{
    /// <summary>An address that failed is not chosen for so long, unless all others failed later.</summary>
    private static readonly TimeSpan AvoidedFor = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly string[] _origins;
    private readonly long[] _failedAt;
    private int _current;
    private long _chosenAt;
    private TimeSpan _keptFor;

    /// <param name="servers">At least one, each an origin.</param>
    /// <param name="time">Its time stamps tell how long an address is avoided.</param>
    /// <param name="random">Null: the process's own.</param>
    public ServerChoice(ImmutableArray<Uri> servers, TimeProvider time, Random? random = null)
    {
        _time = time;
        _random = random ?? Random.Shared;
        _origins = [.. servers.Select(server => server.GetLeftPart(UriPartial.Authority)).Distinct(StringComparer.Ordinal)];
        _failedAt = [.. _origins.Select(_ => long.MinValue)];
        Choose(except: -1);
    }

    /// <summary>How many there are.</summary>
    public int Count => _origins.Length;

    /// <summary>All of them, as one name.</summary>
    public string Name => string.Join(' ', _origins);

    /// <summary>The one to ask now.</summary>
    public string Current
    {
        get
        {
            lock (_gate)
            {
                if (Count > 1 && _time.GetElapsedTime(_chosenAt) > _keptFor)
                {
                    Choose(except: -1);
                }

                return _origins[_current];
            }
        }
    }

    /// <summary>An address gave no answer, or one that says to ask elsewhere: the next request goes elsewhere.</summary>
    /// <param name="origin">The one that was asked; others may have moved on from it already.</param>
    public void Failed(string origin)
    {
        lock (_gate)
        {
            var failed = Array.IndexOf(_origins, origin);
            _failedAt[failed] = _time.GetTimestamp();
            if (failed == _current && Count > 1)
            {
                Choose(except: failed);
            }
        }
    }

    private void Choose(int except)
    {
        var others = Enumerable.Range(0, Count).Where(index => index != except).ToArray();
        var good = others.Where(index => _failedAt[index] == long.MinValue || _time.GetElapsedTime(_failedAt[index]) > AvoidedFor).ToArray();
        _current = good.Length > 0 ? good[_random.Next(good.Length)] : others.MinBy(index => _failedAt[index]);
        _chosenAt = _time.GetTimestamp();
        _keptFor = KeptFor * (0.5 + _random.NextDouble());
    }
}
