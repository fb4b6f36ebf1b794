using System.Globalization;
using System.Text;
using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class NumberTextTests
{
    // RFC 8785 appendix B: the bits of a double and its canonical text.
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    // Beyond the table: the smallest normal, the greatest subnormal, and where the layouts change.
    [InlineData(0x0010000000000000, "2.2250738585072014e-308")]
    [InlineData(0x000fffffffffffff, "2.225073858507201e-308")]
    [InlineData(0x3e7ad7f29abcaf48, "1e-7")]
    [InlineData(0x3ff0000000000000, "1")]
    [InlineData(0x4059000000000000, "100")]
    [InlineData(0x3fb999999999999a, "0.1")]
    public void Doubles_are_written_as_ECMAScript_writes_them(ulong bits, string expected)
    {
        var value = BitConverter.UInt64BitsToDouble(bits);

        Span<byte> text = stackalloc byte[NumberText.LengthMax];
        Assert.Equal(expected, Encoding.ASCII.GetString(text[..NumberText.WriteEcmaScript(value, text)]));
        Assert.Equal(expected, CanonicalJsonTests.Canonical(value.ToString("E17", CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "0")]
    [InlineData("0e5", "0")]
    [InlineData("10.0", "10")]
    [InlineData("1.50", "1.5")]
    [InlineData("123456789012345", "123456789012345")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("12345678901234567890", "12345678901234567000")]
    [InlineData("100000000000000000000", "100000000000000000000")]
    [InlineData("1E2", "100")]
    [InlineData("1e-400", "0")]
    public void Tokens_are_written_as_the_nearest_double(string token, string expected) =>
        Assert.Equal(expected, CanonicalJsonTests.Canonical(token));

    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("9007199254740993.0e0", false)]
    [InlineData("9007199254740993", false)]
    [InlineData("9007199254740994")]
    [InlineData("0.1")]
    [InlineData("0.10")]
    [InlineData("1.0e-1")]
    [InlineData("0.1000000000000000055511151231257827", false)]
    [InlineData("0.30000000000000004")]
    [InlineData("0.3000000000000000444", false)]
    [InlineData("10.0")]
    [InlineData("-0.0")]
    [InlineData("0e999999999999")]
    [InlineData("0.000000")]
    [InlineData("1e-400", false)]
    [InlineData("5e-324")]
    [InlineData("4.9e-324", false)]
    [InlineData("1e22")]
    [InlineData("10000000000000000000000")]
    [InlineData("123456789012345678", false)]
    [InlineData("1.7976931348623157E+308")]
    [InlineData("100000000000000000000000000000000000000000000000000")]
    public void Exact_numbers_are_those_that_a_double_gives_back(string token, bool isExact = true)
    {
        var outcome = CanonicalJson.TryCanonicalize(Encoding.ASCII.GetBytes(token), new CanonicalOptions { ExactNumbers = true });

        Assert.Equal(isExact ? null : "json.number_inexact", outcome.Succeeded ? null : outcome.Problems[0].Code);
    }

    // What CPython's repr writes for the same tokens.
    [Theory]
    [InlineData("1.0", "1.0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("-0", "0")]
    [InlineData("1e16", "1e+16")]
    [InlineData("1e15", "1000000000000000.0")]
    [InlineData("123456789012345.25", "123456789012345.25")]
    [InlineData("1e-4", "0.0001")]
    [InlineData("1e-5", "1e-05")]
    [InlineData("1.5e-7", "1.5e-07")]
    [InlineData("1e100", "1e+100")]
    [InlineData("1.25e22", "1.25e+22")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("10.50", "10.5")]
    public void Python_writes_floats_with_a_point_or_exponent_and_integers_in_full(string token, string expected) => Assert.Equal(
        expected,
        Encoding.ASCII.GetString(new CanonicalWriter(CanonicalDialect.Python, CanonicalOptions.Default).Write(Encoding.ASCII.GetBytes(token)).Value.Span));
}
