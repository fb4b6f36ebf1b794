using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Review.Inputs;

/// <summary>Writes a text that a regular expression matches: the first of alternatives, the least of repeats. What it does not understand it reads as best it can: null where that does not work out.</summary>
internal sealed class RegexSample
{
    // More than that is no value to try, and what is read wrongly here may repeat without end.
    private const int LengthMax = 20_000;

    private readonly string pattern;
    private int at;

    private RegexSample(string pattern) => this.pattern = pattern;

    public static string? Of(string pattern)
    {
        if (SharedRegexes.Find(pattern) is not { } regex)
        {
            return null;
        }

        var sample = new RegexSample(pattern).ReadAlternatives();
        return regex.IsMatch(sample) ? sample : null;
    }

    private string ReadAlternatives()
    {
        var first = ReadSequence();
        while (at < pattern.Length && pattern[at] == '|')
        {
            at++;
            ReadSequence();
        }

        return first;
    }

    private string ReadSequence()
    {
        var text = new StringBuilder();
        while (at < pattern.Length && pattern[at] is not ('|' or ')'))
        {
            var atom = ReadAtom();
            var times = Math.Min(ReadLeast(), LengthMax / Math.Max(1, atom.Length));
            text.Insert(text.Length, atom, times);
        }

        return text.ToString();
    }

    private string ReadAtom()
    {
        var c = pattern[at++];
        switch (c)
        {
            case '^' or '$':
                return "";
            case '(':
                SkipGroupKind();
                var inner = ReadAlternatives();
                at++; // The closing one.
                return inner;
            case '[':
                var end = pattern.IndexOf(']', Math.Min(pattern.Length, at + (pattern.AsSpan(at).StartsWith("^") ? 2 : 1))); // A bracket that comes first is a member.
                var set = pattern[(at - 1)..(end < 0 ? pattern.Length : end + 1)];
                at += set.Length - 1;
                return OneOf(set);
            case '\\' when at < pattern.Length:
                var escaped = pattern[at++];
                return escaped is 'b' or 'B' or 'A' or 'z' or 'Z' ? "" : OneOf("\\" + escaped);
            case '.':
                return "a";
            default:
                return c.ToString();
        }
    }

    private void SkipGroupKind()
    {
        if (at + 1 < pattern.Length && pattern[at] == '?')
        {
            var name = pattern[at + 1] is '<' or '\'' ? pattern.IndexOfAny(['>', '\''], at + 2) : pattern.IndexOf(':', at);
            at = name < 0 ? pattern.Length : name + 1;
        }
    }

    private int ReadLeast()
    {
        if (at >= pattern.Length)
        {
            return 1;
        }

        switch (pattern[at])
        {
            case '*' or '?':
                at++;
                return 0;
            case '+':
                at++;
                return 1;
            case '{' when pattern.IndexOf('}', at) is > 0 and var end
                && int.TryParse(pattern[(at + 1)..end].Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var least):
                at = end + 1;
                return least;
            default:
                return 1;
        }
    }

    // What a class or an escape means is asked of the engine itself.
    private static string OneOf(string set)
    {
        try
        {
            var regex = new Regex($"^{set}$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return Enumerable.Range(' ', '~' - ' ' + 1).Select(c => ((char)c).ToString()).OrderBy(c => char.IsLetterOrDigit(c[0]) ? 0 : 1)
                .FirstOrDefault(regex.IsMatch) ?? "";
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return "";
        }
    }
}
