using System.Runtime.CompilerServices;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Remembers the objects and lists of the context that rules look into while one request is decided, since many rules look into
/// the same few. Two places that share a slot put each other out, which costs time and nothing else.
/// </summary>
[InlineArray(Slots)]
internal struct FoundPlaces
{
    /// <summary>A power of two.</summary>
    public const int Slots = 8;

    private Found slot;

    /// <summary>What is at a place.</summary>
    internal struct Found
    {
        public InputPath? Place;
        public JsonElement Element;
        public JsonValueKind Kind;
    }
}
