using System.Globalization;

namespace OrleansPolicy.Bundles;

/// <summary>
/// The decimal forms of IEEE doubles. The shortest digits that read back as the same double come from the runtime; how they are
/// laid out differs between ECMAScript (RFC 8785 section 3.2.2.3) and Python.
/// </summary>
internal static class NumberText
{
    /// <summary>No form of a double is longer: sign, 17 digits, point and exponent, or 21 integer digits, or six zeros in front.</summary>
    public const int LengthMax = 32;

    private const int DigitsMax = 17;

    /// <summary>Number::toString of ECMA-262 with radix 10, for a finite value. Returns the length.</summary>
    public static int WriteEcmaScript(double value, Span<byte> target)
    {
        if (value == 0)
        {
            target[0] = (byte)'0'; // Negative zero too.
            return 1;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        var count = Shortest(value, digits, out var point);
        var text = new Layout(target, value < 0);
        digits = digits[..count];
        if (point is > -6 and <= 21)
        {
            text.Fixed(digits, point);
        }
        else
        {
            text.Exponential(digits, point - 1, exponentDigitsMin: 1);
        }

        return text.Length;
    }

    /// <summary>Python's <c>repr</c> of a finite float: always with a point or an exponent. Returns the length.</summary>
    public static int WritePython(double value, Span<byte> target)
    {
        var text = new Layout(target, double.IsNegative(value));
        if (value == 0)
        {
            text.Fixed("0"u8, 1);
            text.Add(".0"u8);
            return text.Length;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        var count = Shortest(value, digits, out var point);
        digits = digits[..count];
        if (point is > -4 and <= 16)
        {
            text.Fixed(digits, point);
            if (count <= point)
            {
                text.Add(".0"u8);
            }
        }
        else
        {
            text.Exponential(digits, point - 1, exponentDigitsMin: 2);
        }

        return text.Length;
    }

    /// <summary>
    /// Whether the decimal number of a JSON token is exactly the number that the shortest form of <paramref name="value"/>, its
    /// nearest double, spells: then nothing is lost by writing it canonically.
    /// </summary>
    public static bool IsExact(ReadOnlySpan<byte> token, double value)
    {
        Span<byte> digits = stackalloc byte[DigitsMax];
        if (!TrySignificantDigits(token, digits, out var count, out var point))
        {
            return false;
        }

        if (value == 0 || count == 0)
        {
            return count == 0;
        }

        Span<byte> expected = stackalloc byte[DigitsMax];
        var expectedCount = Shortest(value, expected, out var expectedPoint);
        return point == expectedPoint && digits[..count].SequenceEqual(expected[..expectedCount]);
    }

    /// <summary>The value is 0.d1d2...dk times ten to the power <paramref name="point"/>; neither d1 nor dk is zero.</summary>
    private static int Shortest(double value, Span<byte> digits, out int point)
    {
        // "R" gives the shortest digits that round-trip, in a fixed or an exponential layout.
        Span<byte> text = stackalloc byte[LengthMax];
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        TrySignificantDigits(text[..length], digits, out var count, out point);
        return count;
    }

    /// <summary>False where there are more significant digits than any double needs.</summary>
    private static bool TrySignificantDigits(ReadOnlySpan<byte> text, Span<byte> digits, out int count, out int point)
    {
        count = 0;
        point = 0;
        var zeros = 0;
        var afterPoint = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is (byte)'e' or (byte)'E')
            {
                point += Exponent(text[(i + 1)..]);
                break;
            }

            if (c == (byte)'.')
            {
                afterPoint = true;
                continue;
            }

            if (c == (byte)'-')
            {
                continue;
            }

            if (c == (byte)'0' && count == 0)
            {
                point -= afterPoint ? 1 : 0;
                continue;
            }

            point += afterPoint ? 0 : 1;
            if (c == (byte)'0')
            {
                zeros++; // Only significant if another digit follows.
                continue;
            }

            if (count + zeros >= digits.Length)
            {
                return false;
            }

            digits.Slice(count, zeros).Fill((byte)'0');
            count += zeros;
            zeros = 0;
            digits[count++] = c;
        }

        return true;
    }

    private static int Exponent(ReadOnlySpan<byte> text)
    {
        const int limit = 100_000; // Beyond any double; keeps the sum from overflowing.
        var negative = text[0] == (byte)'-';
        var value = 0;
        foreach (var c in text[(text[0] is (byte)'-' or (byte)'+' ? 1 : 0)..])
        {
            value = Math.Min(limit, (value * 10) + (c - '0'));
        }

        return negative ? -value : value;
    }

    private ref struct Layout
    {
        private readonly Span<byte> target;

        public Layout(Span<byte> target, bool negative)
        {
            this.target = target;
            if (negative)
            {
                Add("-"u8);
            }
        }

        public int Length { get; private set; }

        public void Add(scoped ReadOnlySpan<byte> text)
        {
            text.CopyTo(target[Length..]);
            Length += text.Length;
        }

        public void Fixed(scoped ReadOnlySpan<byte> digits, int point)
        {
            if (point <= 0)
            {
                Add("0."u8);
                Zeros(-point);
                Add(digits);
            }
            else if (digits.Length <= point)
            {
                Add(digits);
                Zeros(point - digits.Length);
            }
            else
            {
                Add(digits[..point]);
                Add("."u8);
                Add(digits[point..]);
            }
        }

        public void Exponential(scoped ReadOnlySpan<byte> digits, int exponent, int exponentDigitsMin)
        {
            Add(digits[..1]);
            if (digits.Length > 1)
            {
                Add("."u8);
                Add(digits[1..]);
            }

            Add(exponent < 0 ? "e-"u8 : "e+"u8);
            exponent = Math.Abs(exponent);
            exponent.TryFormat(target[Length..], out var length, exponentDigitsMin == 1 ? "D" : "D2", CultureInfo.InvariantCulture);
            Length += length;
        }

        private void Zeros(int count)
        {
            target.Slice(Length, count).Fill((byte)'0');
            Length += count;
        }
    }
}
