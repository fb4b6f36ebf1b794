using System.Collections.Immutable;
using System.Globalization;

namespace OrleansPolicy.Review.Inputs;

/// <summary>A place of the context that rules look at.</summary>
/// <param name="Steps">Names, list positions, and <see cref="AnyMember"/>.</param>
internal sealed record InputSlot(ImmutableArray<object> Steps)
{
    /// <summary>The step <c>[*]</c>.</summary>
    public static readonly object AnyMember = new();

    /// <summary>The same for the same place, however it is written.</summary>
    public string Key { get; } = string.Concat(Steps.Select(s => s switch
    {
        string name => $".{name.Length.ToString(CultureInfo.InvariantCulture)}:{name}",
        int index => $"[{index.ToString(CultureInfo.InvariantCulture)}]",
        _ => "[*]",
    }));

    /// <summary>The members of these names.</summary>
    public static InputSlot Of(params ImmutableArray<object> names) => new(names);

    /// <summary>Reads a path that a rule has, so that it is known to be one: <c>context.a["b"][0][*]</c>.</summary>
    public static InputSlot Parse(string path)
    {
        var steps = ImmutableArray.CreateBuilder<object>();
        for (var rest = path.AsSpan("context".Length); rest.Length > 0;)
        {
            if (rest[0] == '.')
            {
                var end = rest[1..].IndexOfAny('.', '[');
                end = end < 0 ? rest.Length : end + 1;
                steps.Add(rest[1..end].ToString());
                rest = rest[end..];
            }
            else if (rest.StartsWith("[\""))
            {
                var end = rest.IndexOf("\"]");
                steps.Add(rest[2..end].ToString());
                rest = rest[(end + 2)..];
            }
            else
            {
                var end = rest.IndexOf(']');
                steps.Add(rest[1] == '*' ? AnyMember : int.Parse(rest[1..end], CultureInfo.InvariantCulture));
                rest = rest[(end + 1)..];
            }
        }

        return new InputSlot(steps.ToImmutable());
    }
}
