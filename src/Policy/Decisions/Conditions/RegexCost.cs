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

    private const long TooMany = StatesMax + 1;

    /// <summary>
    /// An upper estimate of the states, made by reading the pattern as the engine does, whose parser keeps its tree to itself. Where the two
    /// could part ways it is too many: what is taken for a comment or a class here and is none there would not be counted.
    /// </summary>
    public static long Estimate(ReadOnlySpan<char> pattern)
    {
        var groups = new Stack<(long Before, long Last)>();
        var (sum, last) = (0L, 0L); // States so far in this group, and those of the atom a quantifier would repeat.
        for (var i = 0; i < pattern.Length; i++)
        {
            var rest = pattern[i..];
            switch (rest[0])
            {
                case '(' when rest.StartsWith("(?#"):
                    // As if it were not there: what repeats behind it is what stands before it.
                    i += rest.IndexOf(')') is > 0 and var end ? end : rest.Length;
                    break;
                case '(':
                    if (MaySwitchBlanksOff(rest))
                    {
                        return TooMany;
                    }

                    groups.Push((sum, last));
                    (sum, last) = (0, 0);
                    break;
                case ')':
                    if (!groups.TryPop(out var outer))
                    {
                        return TooMany;
                    }

                    last = sum + 1;
                    sum = outer.Before + last;
                    break;
                case '{' when RepeatCount(rest) is { } count:
                    sum = Math.Min(TooMany, sum - last + (last * count));
                    last = Math.Min(TooMany, last * count);
                    i += rest.IndexOf('}');
                    break;
                case '[':
                    if (ClassLength(rest) is not { } length)
                    {
                        return TooMany;
                    }

                    i += length - 1;
                    (sum, last) = (sum + 1, 1);
                    break;
                case '\\':
                    i += EscapeLength(rest) - 1;
                    (sum, last) = (sum + 1, 1);
                    break;
                default:
                    (sum, last) = (sum + 1, 1);
                    break;
            }
        }

        return groups.Count == 0 ? sum : TooMany;
    }

    // The option x: blanks count for nothing behind it, and # begins a comment.
    private static bool MaySwitchBlanksOff(ReadOnlySpan<char> group)
    {
        if (!group.StartsWith("(?"))
        {
            return false;
        }

        foreach (var option in group[2..])
        {
            if (option is 'x' or 'X')
            {
                return true;
            }

            if (!char.IsAsciiLetter(option) && option is not ('+' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    // The greater bound of {n}, {n,} or {n,m}; null where the brace is a plain character.
    private static long? RepeatCount(ReadOnlySpan<char> text)
    {
        var end = text.IndexOf('}');
        var bounds = end < 0 ? [] : text[1..end];
        var comma = bounds.IndexOf(',');
        var lower = comma < 0 ? bounds : bounds[..comma];
        var upper = comma < 0 || comma == bounds.Length - 1 ? lower : bounds[(comma + 1)..];
        return TryReadNumber(lower, out _) && TryReadNumber(upper, out var count) ? Math.Clamp(count, 1, StatesMax) : null;
    }

    // Digits alone: the framework passes over a zero character behind them.
    private static bool TryReadNumber(ReadOnlySpan<char> text, out int number)
    {
        number = 0;
        return !text.ContainsAnyExceptInRange('0', '9') && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    // Null where it does not end, and where a bracket within it may be more than a character: [a-z-[aeiou]] takes a class from a class.
    private static int? ClassLength(ReadOnlySpan<char> text)
    {
        // A bracket right after the opening (or its ^) is a member, not the end.
        var first = text.StartsWith("[^") ? 2 : 1;
        for (var i = first; i < text.Length; i++)
        {
            switch (text[i])
            {
                case ']' when i > first:
                    return i + 1;
                case '[' when text[i - 1] == '-' || text[i..].StartsWith("[:"):
                    return null;
                case '\\':
                    i += EscapeLength(text[i..]) - 1;
                    break;
                default:
                    break;
            }
        }

        return null;
    }

    // A backslash takes the next character with it; \c, which stands for a control character, one more, which may be a bracket or a backslash.
    private static int EscapeLength(ReadOnlySpan<char> text) => text.StartsWith("\\c") ? 3 : 2;
}
