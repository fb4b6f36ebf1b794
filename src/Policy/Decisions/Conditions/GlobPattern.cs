using System.Text;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A whole text with <c>*</c> for any run of characters, none included, and <c>?</c> for exactly one. No character is special,
/// dots and slashes included. The time is bounded by the product of the two lengths.
/// </summary>
internal sealed class GlobPattern(string glob) : TextPattern
{
    /// <summary>The longest glob, in characters.</summary>
    public const int LengthMax = 512;

    private readonly byte[] pattern = Encoding.UTF8.GetBytes(glob);

    public override Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation) => Matches(text) ? Truth.Yes : Truth.No;

    private bool Matches(ReadOnlySpan<byte> text)
    {
        var (p, t) = (0, 0);
        var (star, resume) = (-1, 0); // The last star, and where the text goes on if it takes one byte more.
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, resume) = (p++, t);
            }
            else if (p < pattern.Length && (pattern[p] == text[t] || pattern[p] == '?'))
            {
                t += pattern[p++] == '?' ? CharacterLength(text[t]) : 1;
            }
            else if (star >= 0)
            {
                resume += CharacterLength(text[resume]);
                (p, t) = (star + 1, resume);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).IndexOfAnyExcept((byte)'*') < 0;
    }

    // UTF-8: the lead byte says how many bytes its character has.
    private static int CharacterLength(byte lead) => lead switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
}
