using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace OrleansPolicy.Decisions.Conditions;

/// <summary>
/// A regular expression in .NET's syntax that is matched in time linear in the text. Look-around and back references cannot be
/// and are refused when the rule is read. It may match anywhere in the text: <c>^</c> and <c>$</c> bind it.
/// </summary>
internal sealed class RegexPattern(Regex regex) : TextPattern
{
    private const int CharactersOnStack = 256;

    public override Truth Check(ReadOnlySpan<byte> text, ref Evaluation evaluation)
    {
        char[]? rented = null;
        var characters = text.Length <= CharactersOnStack
            ? stackalloc char[CharactersOnStack]
            : (rented = ArrayPool<char>.Shared.Rent(text.Length));
        var matches = regex.IsMatch(characters[..Encoding.UTF8.GetChars(text, characters)]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return matches ? Truth.Yes : Truth.No;
    }
}
