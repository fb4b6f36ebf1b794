using System.Globalization;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// Bounds the automaton of a regular expression before it is built: matching is linear, but counted repeats multiply its size
/// (<c>(a{1000}){1000}</c> is a million states).
/// </summary>
internal static class RegexCost
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int LengthMax = 1_000;

    /// <summary>The most states, estimated from above.</summary>
    public const long StatesMax = 20_000;

    /// <summary>An upper estimate of the states; counts what it does not understand as plain characters.</summary>
    public static long Estimate(ReadOnlySpan<char> pattern)
    {
        var groups = new Stack<(long Before, long Last)>();
        var (sum, last) = (0L, 0L); // States so far in this group, and those of the atom a quantifier would repeat.
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '(':
                    groups.Push((sum, last));
                    (sum, last) = (0, 0);
                    break;
                case ')' when groups.TryPop(out var outer):
                    last = sum + 1;
                    sum = outer.Before + last;
                    break;
                case '{' when RepeatCount(pattern[i..]) is { } count:
                    sum = Math.Min(StatesMax + 1, sum - last + (last * count));
                    last = Math.Min(StatesMax + 1, last * count);
                    i += pattern[i..].IndexOf('}');
                    break;
                case '[':
                    i += ClassLength(pattern[i..]) - 1;
                    (sum, last) = (sum + 1, 1);
                    break;
                case '\\':
                    i++;
                    (sum, last) = (sum + 1, 1);
                    break;
                default:
                    (sum, last) = (sum + 1, 1);
                    break;
            }
        }

        return sum;
    }

    // The greater bound of {n}, {n,} or {n,m}; null where the brace is a plain character.
    private static long? RepeatCount(ReadOnlySpan<char> text)
    {
        var end = text.IndexOf('}');
        var bounds = end < 0 ? [] : text[1..end];
        var comma = bounds.IndexOf(',');
        var upper = comma >= 0 && comma < bounds.Length - 1 ? bounds[(comma + 1)..] : bounds.TrimEnd(',');
        return int.TryParse(upper, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? Math.Clamp(count, 1, StatesMax) : null;
    }

    private static int ClassLength(ReadOnlySpan<char> text)
    {
        // A bracket right after the opening (or its ^) is a member, not the end.
        for (var i = text.Length > 1 && text[1] == '^' ? 3 : 2; i < text.Length; i++)
        {
            if (text[i] == ']')
            {
                return i + 1;
            }

            i += text[i] == '\\' ? 1 : 0;
        }

        return text.Length;
    }
}
