namespace OrleansPolicy.Rollouts;

/// <summary>What a piece of a criterion is.</summary>
internal enum CriterionTokenKind
{
    End,
    Word,
    Number,
    Operator,
    Open,
    Close,
    Other,
}

/// <summary>A piece of a criterion.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As it stands there.</param>
/// <param name="Column">Where, from 1.</param>
internal readonly record struct CriterionToken(CriterionTokenKind Kind, string Text, int Column);

/// <summary>Takes a criterion apart.</summary>
internal sealed class CriterionScanner(string text)
{
    private int position;

    /// <summary>The next piece; at the end again and again the end.</summary>
    public CriterionToken Scan()
    {
        while (position < text.Length && char.IsWhiteSpace(text[position]))
        {
            position++;
        }

        var start = position;
        if (start == text.Length)
        {
            return new CriterionToken(CriterionTokenKind.End, "", start + 1);
        }

        var kind = text[start] switch
        {
            '(' => Take(1, CriterionTokenKind.Open),
            ')' => Take(1, CriterionTokenKind.Close),
            '<' or '>' or '=' or '!' => Take(Follows('=') ? 2 : 1, CriterionTokenKind.Operator),
            '-' or '+' or '.' => TakeNumber(),
            var c when char.IsAsciiDigit(c) => TakeNumber(),
            var c when char.IsLetter(c) || c == '_' => TakeWord(),
            _ => Take(1, CriterionTokenKind.Other),
        };
        return new CriterionToken(kind, text[start..position], start + 1);
    }

    private bool Follows(char c) => position + 1 < text.Length && text[position + 1] == c;

    private CriterionTokenKind Take(int length, CriterionTokenKind kind)
    {
        position += length;
        return kind;
    }

    private CriterionTokenKind TakeWord()
    {
        while (position < text.Length && (char.IsLetterOrDigit(text[position]) || text[position] is '_' or '.' or ':' or '-'))
        {
            position++;
        }

        return CriterionTokenKind.Word;
    }

    private CriterionTokenKind TakeNumber()
    {
        position++;
        while (position < text.Length
            && (char.IsAsciiDigit(text[position]) || text[position] == '.' || IsExponent() || IsSignOfExponent()))
        {
            position++;
        }

        return CriterionTokenKind.Number;
    }

    // An 'e' belongs to the number only where digits follow it, so that a unit may begin with that letter.
    private bool IsExponent()
    {
        var digit = position + 1 < text.Length && text[position + 1] is '+' or '-' ? position + 2 : position + 1;
        return text[position] is 'e' or 'E' && digit < text.Length && char.IsAsciiDigit(text[digit]);
    }

    private bool IsSignOfExponent() => text[position] is '+' or '-' && text[position - 1] is 'e' or 'E';
}
