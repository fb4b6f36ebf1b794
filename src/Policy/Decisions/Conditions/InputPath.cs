namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A place in the context: one step after another place, down to the context itself. There is one object for each place in a
/// bundle, so that what was found there last can be remembered by it while a request is decided.
/// </summary>
internal sealed class InputPath
{
    private readonly MemberName name;
    private readonly bool isMember;
    private readonly int index;

    private InputPath(InputPath? parent, string text, string? name, int index)
    {
        Parent = parent;
        Text = text;
        isMember = name is not null;
        this.name = new MemberName(name ?? "");
        this.index = index;
    }

    /// <summary>Null for the context.</summary>
    public InputPath? Parent { get; }

    /// <summary>As rules write it.</summary>
    public string Text { get; }

    public static InputPath Context() => new(null, "context", null, 0);

    /// <summary>The member of an object.</summary>
    public static InputPath Member(InputPath parent, string text, string name) => new(parent, text, name, 0);

    /// <summary>The member of a list.</summary>
    public static InputPath Element(InputPath parent, string text, int index) => new(parent, text, null, index);

    /// <summary>What the last step leads to from its parent; negative where it leads nowhere.</summary>
    public int Step(DecisionContext context, int parent) => isMember ? context.Member(parent, name) : context.Element(parent, index);
}
