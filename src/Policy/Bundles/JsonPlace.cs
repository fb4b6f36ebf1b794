using System.Globalization;

namespace OrleansPolicy.Bundles;

/// <summary>
/// A place in a JSON document, which is written out as a path only where a problem names it: a reader passes thousands of places, and
/// most bundles have no problem.
/// </summary>
internal sealed class JsonPlace
{
    private readonly JsonPlace? _owner;
    private readonly string _name;
    private readonly int _index;

    private JsonPlace(JsonPlace? owner, string name, int index)
    {
        _owner = owner;
        _name = name;
        _index = index;
    }

    /// <summary>The whole document, <c>$</c>.</summary>
    public static JsonPlace Root { get; } = new(null, "$", -1);

    /// <summary>A member of the object here.</summary>
    public JsonPlace Member(string name) => new(this, name, -1);

    /// <summary>An element of the list here.</summary>
    public JsonPlace Item(int index) => new(this, "", index);

    /// <summary>The path, such as <c>$.policies[3].match</c>.</summary>
    public override string ToString() =>
        _owner is null ? _name
        : _index >= 0 ? string.Create(CultureInfo.InvariantCulture, $"{_owner}[{_index}]")
        : _owner + JsonPath.Member(_name);
}
