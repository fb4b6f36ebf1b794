using System.Text;
using System.Text.Json;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A place in the context: one step after another place, down to the context itself. There is one object for each place in a
/// bundle, so that what was found there can be remembered by it while a request is decided.
/// </summary>
internal sealed class InputPath
{
    private readonly byte[]? name;
    private readonly int index;
    private readonly InputPath root;
    private int slots;

    private InputPath(InputPath? parent, string text, byte[]? name, int index)
    {
        Parent = parent;
        Text = text;
        this.name = name;
        this.index = index;
        root = parent?.root ?? this;
        if (parent is { HasChildren: false })
        {
            parent.Slot = root.slots++;
            parent.HasChildren = true;
        }
    }

    /// <summary>Null for the context.</summary>
    public InputPath? Parent { get; }

    /// <summary>As rules write it.</summary>
    public string Text { get; }

    /// <summary>
    /// Whether rules look at places below this one. It may become so while decisions are made, where a later bundle shares the place: what
    /// is remembered is remembered by the place itself, so that they come out the same.
    /// </summary>
    public bool HasChildren { get; private set; }

    /// <summary>Counts the places of a bundle that have places below them.</summary>
    public int Slot { get; private set; }

    public static InputPath Context() => new(null, "context", null, 0);

    /// <summary>The member of an object.</summary>
    public static InputPath Member(InputPath parent, string text, string name) => new(parent, text, Encoding.UTF8.GetBytes(name), 0);

    /// <summary>The member of a list.</summary>
    public static InputPath Element(InputPath parent, string text, int index) => new(parent, text, null, index);

    /// <summary>What the last step leads to from its parent; false where it leads nowhere.</summary>
    public bool TryStep(in JsonElement parent, JsonValueKind parentKind, out JsonElement value)
    {
        if (name is not null && parentKind == JsonValueKind.Object)
        {
            return parent.TryGetProperty(name, out value);
        }

        if (name is null && parentKind == JsonValueKind.Array && index < parent.GetArrayLength())
        {
            value = parent[index];
            return true;
        }

        value = default;
        return false;
    }
}
