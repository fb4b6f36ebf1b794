using System.Collections.Immutable;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// What a condition's <c>path</c> says: the capability, one place, or many: each <c>[*]</c> stands for every member of the list
/// before it.
/// </summary>
/// <param name="Text">As written.</param>
/// <param name="Place">The place before the first <c>[*]</c>; null for the capability.</param>
/// <param name="Rest">For each <c>[*]</c>, the steps after it.</param>
internal sealed record PathPattern(string Text, InputPath? Place, ImmutableArray<ImmutableArray<InputPath>> Rest)
{
    /// <summary>Whether it is the capability.</summary>
    public bool IsCapability => Place is null;

    /// <summary>Whether it leads to one place of the context at most.</summary>
    public bool IsSinglePlace => Place is not null && Rest.IsEmpty;
}
