using OrleansPolicy.Admission;

namespace OrleansPolicy.Grains.Admission;

/// <summary>
/// Who waits for an admission, first come first served. It holds nobody up: each is told when its turn will be and asks again then.
/// Soft: where it is lost, those who wait line up anew, and what the limits admit stays the same.
/// </summary>
internal sealed class AdmissionQueue
{
    /// <summary>How many can wait at once.</summary>
    public const int PlacesMax = 100;

    /// <summary>How long after its turn a place is kept for one who does not come.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(2);

    private readonly List<Place> _places = [];

    /// <summary>Whether no place is left.</summary>
    public bool IsFull => _places.Count >= PlacesMax;

    /// <summary>What those want who come before this place, or before one who has none.</summary>
    public IEnumerable<AdmissionDemand> Ahead(string? place, DateTimeOffset now)
    {
        _places.RemoveAll(waiting => waiting.KeptUntil < now && waiting.Id != place);
        var index = place is null ? -1 : _places.FindIndex(waiting => waiting.Id == place);
        return _places.Take(index < 0 ? _places.Count : index).Select(waiting => waiting.Demand);
    }

    /// <summary>Whether the place is held.</summary>
    public bool Holds(string place) => _places.Exists(waiting => waiting.Id == place);

    /// <summary>Keeps a place, or takes the last one, until its turn.</summary>
    public void Keep(string place, AdmissionDemand demand, DateTimeOffset turn)
    {
        var kept = new Place(place, demand, turn + KeptFor);
        var index = _places.FindIndex(waiting => waiting.Id == place);
        if (index < 0)
        {
            _places.Add(kept);
        }
        else
        {
            _places[index] = kept;
        }
    }

    /// <summary>Gives a place up.</summary>
    public void Leave(string? place) => _places.RemoveAll(waiting => waiting.Id == place);

    private sealed record Place(string Id, AdmissionDemand Demand, DateTimeOffset KeptUntil);
}
