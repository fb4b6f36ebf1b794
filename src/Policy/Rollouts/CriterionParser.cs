using System.Collections.Immutable;
using System.Globalization;

namespace OrleansPolicy.Rollouts;

/// <summary>
/// Reads a criterion. In order of precedence, lowest first:
/// <code>
/// either     := both ("or" both)*
/// both       := one ("and" one)*
/// one        := "not" one | "(" either ")" | "no" metric | metric op number [unit]
/// op         := "&lt;" | "&lt;=" | "&gt;" | "&gt;=" | "==" | "!="
/// metric     := a letter or "_", then letters, digits, "_", ".", ":", "-"
/// </code>
/// <c>no errors</c> is <c>errors == 0</c>. Words are case-sensitive. What does not parse is a criterion for a person.
/// </summary>
public static class CriterionParser
{
    /// <summary>The longest text that is read.</summary>
    public const int LengthMax = 1_000;

    /// <summary>How deep brackets and <c>not</c> may nest.</summary>
    public const int DepthMax = 32;

    /// <summary>Reads a text. Never throws.</summary>
    public static CriterionReading Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > LengthMax)
        {
            return new CriterionReading(null, LengthMax + 1, $"It is longer than {LengthMax} characters.");
        }

        var reader = new Reader(text);
        var criterion = reader.Either(0);
        if (criterion is not null && reader.Next.Kind != TokenKind.End)
        {
            criterion = reader.Refuse("Expected 'and', 'or' or the end.");
        }

        return criterion is not null ? new CriterionReading(criterion) : new CriterionReading(null, reader.Column, reader.Error);
    }

    private enum TokenKind
    {
        End,
        Word,
        Number,
        Operator,
        Open,
        Close,
        Other,
    }

    private readonly record struct Token(TokenKind Kind, string Text, int Column);

    private sealed class Reader
    {
        private readonly string text;
        private int position;

        public Reader(string text)
        {
            this.text = text;
            Next = Scan();
        }

        public Token Next { get; private set; }

        public int Column { get; private set; }

        public string? Error { get; private set; }

        public Criterion? Either(int depth) => Chain(depth, "or", Both, parts => new Criterion.Any(parts));

        public Criterion? Refuse(string error)
        {
            Column = Next.Column;
            Error = error;
            return null;
        }

        private Criterion? Both(int depth) => Chain(depth, "and", One, parts => new Criterion.All(parts));

        private Criterion? Chain(
            int depth, string word, Func<int, Criterion?> readPart, Func<ImmutableArray<Criterion>, Criterion> join)
        {
            var parts = ImmutableArray.CreateBuilder<Criterion>();
            do
            {
                if (readPart(depth) is not { } part)
                {
                    return null;
                }

                parts.Add(part);
            }
            while (TryWord(word));

            return parts.Count == 1 ? parts[0] : join(parts.ToImmutable());
        }

        private Criterion? One(int depth)
        {
            if (depth > DepthMax)
            {
                return Refuse($"It nests deeper than {DepthMax}.");
            }

            if (TryWord("not"))
            {
                return One(depth + 1) is { } part ? new Criterion.Not(part) : null;
            }

            if (Next.Kind == TokenKind.Open)
            {
                Advance();
                var inner = Either(depth + 1);
                if (inner is not null && Next.Kind != TokenKind.Close)
                {
                    return Refuse("Expected ')'.");
                }

                Advance();
                return inner;
            }

            return TryWord("no") ? None() : Compare();
        }

        private Criterion.Comparison? None() => Metric() is { } metric ? new Criterion.Comparison(metric, ComparisonOperator.Equal, 0) : null;

        private Criterion? Compare()
        {
            if (Metric() is not { } metric)
            {
                return null;
            }

            ComparisonOperator? read = Next.Text switch
            {
                "<" => ComparisonOperator.Less,
                "<=" => ComparisonOperator.LessOrEqual,
                ">" => ComparisonOperator.Greater,
                ">=" => ComparisonOperator.GreaterOrEqual,
                "==" => ComparisonOperator.Equal,
                "!=" => ComparisonOperator.NotEqual,
                _ => null,
            };
            if (read is not { } op)
            {
                return Refuse("Expected one of < <= > >= == !=.");
            }

            Advance();
            if (Next.Kind != TokenKind.Number
                || !double.TryParse(Next.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                || !double.IsFinite(number))
            {
                return Refuse("Expected a number.");
            }

            Advance();
            if (Next.Kind is TokenKind.Word or TokenKind.Other && !IsReserved(Next.Text))
            {
                if (CriterionUnits.Convert(number, Next.Text, metric) is not { } converted)
                {
                    return Refuse($"'{Next.Text}' is no unit that '{metric}' could have.");
                }

                number = converted;
                Advance();
            }

            return new Criterion.Comparison(metric, op, number);
        }

        private string? Metric()
        {
            if (Next.Kind != TokenKind.Word || IsReserved(Next.Text))
            {
                Refuse("Expected the name of a metric.");
                return null;
            }

            var metric = Next.Text;
            Advance();
            return metric;
        }

        private bool TryWord(string word)
        {
            if (Next.Kind != TokenKind.Word || Next.Text != word)
            {
                return false;
            }

            Advance();
            return true;
        }

        private void Advance() => Next = Scan();

        private Token Scan()
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
            {
                position++;
            }

            var start = position;
            if (start == text.Length)
            {
                return new Token(TokenKind.End, "", start + 1);
            }

            var kind = text[start] switch
            {
                '(' => Take(1, TokenKind.Open),
                ')' => Take(1, TokenKind.Close),
                '<' or '>' or '=' or '!' => Take(Follows('=') ? 2 : 1, TokenKind.Operator),
                '-' or '+' or '.' => TakeNumber(),
                var c when char.IsAsciiDigit(c) => TakeNumber(),
                var c when char.IsLetter(c) || c == '_' => TakeWord(),
                _ => Take(1, TokenKind.Other),
            };
            return new Token(kind, text[start..position], start + 1);
        }

        private bool Follows(char c) => position + 1 < text.Length && text[position + 1] == c;

        private TokenKind Take(int length, TokenKind kind)
        {
            position += length;
            return kind;
        }

        private TokenKind TakeWord()
        {
            while (position < text.Length && (char.IsLetterOrDigit(text[position]) || text[position] is '_' or '.' or ':' or '-'))
            {
                position++;
            }

            return TokenKind.Word;
        }

        private TokenKind TakeNumber()
        {
            position++;
            while (position < text.Length
                && (char.IsAsciiDigit(text[position]) || text[position] == '.' || IsExponent() || IsSignOfExponent()))
            {
                position++;
            }

            return TokenKind.Number;
        }

        // An 'e' belongs to the number only where digits follow it, so that a unit may begin with that letter.
        private bool IsExponent()
        {
            var digit = position + 1 < text.Length && text[position + 1] is '+' or '-' ? position + 2 : position + 1;
            return text[position] is 'e' or 'E' && digit < text.Length && char.IsAsciiDigit(text[digit]);
        }

        private bool IsSignOfExponent() => text[position] is '+' or '-' && text[position - 1] is 'e' or 'E';

        private static bool IsReserved(string word) => word is "and" or "or" or "not" or "no" or "over" or "vs";
    }
}
