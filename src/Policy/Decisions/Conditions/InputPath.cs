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

    private InputPath(InputPath? parent, string text, byte[]? name, int index, int number)
    {
        Parent = parent;
        Text = text;
        this.name = name;
        this.index = index;
        Number = number;
        if (parent is not null)
        {
            parent.HasChildren = true;
        }
    }

    /// <summary>Null for the context.</summary>
    public InputPath? Parent { get; }

    /// <summary>As rules write it.</summary>
    public string Text { get; }

    /// <summary>Counts the places of a bundle.</summary>
    public int Number { get; }

    /// <summary>Whether rules look at places below this one. Settled once the bundle is read.</summary>
    public bool HasChildren { get; private set; }

    public static InputPath Context() => new(null, "context", null, 0, 0);

    /// <summary>The member of an object.</summary>
    public static InputPath Member(InputPath parent, string text, string name, int number) =>
        new(parent, text, Encoding.UTF8.GetBytes(name), 0, number);

    /// <summary>The member of a list.</summary>
    public static InputPath Element(InputPath parent, string text, int index, int number) => new(parent, text, null, index, number);

    /// <summary>What the last step leads to from its parent; undefined where it leads nowhere.</summary>
    public JsonElement Step(JsonElement parent)
    {
        if (name is not null)
        {
            return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) ? member : default;
        }

        return parent.ValueKind == JsonValueKind.Array && index < parent.GetArrayLength() ? parent[index] : default;
    }
}
