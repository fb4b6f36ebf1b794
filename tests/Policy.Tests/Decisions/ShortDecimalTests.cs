using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansPolicy.Decisions.Conditions;

namespace OrleansPolicy.Policy.Tests.Decisions;

public sealed class ShortDecimalTests
{
    private static readonly Gen<string> Numbers =
        from sign in Gen.Elements("", "-")
        from whole in Gen.Elements(1, 10, 1_000, int.MaxValue).SelectMany(max => Gen.Choose(0, max))
        from fraction in Gen.Elements("", ".0", ".5", ".1", ".30", ".000001", ".99999", ".123456")
        select sign + whole.ToString(CultureInfo.InvariantCulture) + fraction;

    [Fact]
    public void Reads_every_short_decimal_as_the_nearest_double() =>
        Prop.ForAll(Numbers.ToArbitrary(), text =>
        {
            var isShort = text.Trim('-').Length <= (text.Contains('.') ? 16 : 15);

            Assert.Equal(isShort, ShortDecimal.TryParse(Encoding.ASCII.GetBytes(text), out var value));
            if (isShort)
            {
                Assert.Equal(BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)), BitConverter.DoubleToInt64Bits(value));
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("999999999999999", 999999999999999d)]
    [InlineData("99999999999999.9", 99999999999999.9d)]
    [InlineData("-0", -0d)]
    public void Reads_up_to_fifteen_digits(string text, double expected)
    {
        Assert.True(ShortDecimal.TryParse(Encoding.ASCII.GetBytes(text), out var value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("1000000000000000")]
    [InlineData("0.1234567890123456")]
    [InlineData("1e3")]
    [InlineData("1.5E-3")]
    public void Leaves_what_is_long_or_has_an_exponent_to_others(string text) =>
        Assert.False(ShortDecimal.TryParse(Encoding.ASCII.GetBytes(text), out _));
}
