using OrleansPolicy.Bundles;

namespace OrleansPolicy.Policy.Tests.Bundles;

public sealed class BundleChecksTests
{
    private static readonly DateTimeOffset End = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_bundle_expires_at_the_moment_it_names()
    {
        Assert.Null(BundleChecks.Expiry(null, End));
        Assert.Null(BundleChecks.Expiry(End, End.AddTicks(-1)));
        Assert.Equal("bundle.expired", BundleChecks.Expiry(End, End)!.Code);
    }

    [Fact]
    public void A_sequence_below_the_highest_seen_is_a_replay()
    {
        Assert.Null(BundleChecks.Sequence(5, null));
        Assert.Null(BundleChecks.Sequence(5, 5));
        Assert.Null(BundleChecks.Sequence(null, 5));
        Assert.Equal("bundle.replayed", BundleChecks.Sequence(4, 5)!.Code);
    }

    [Theory]
    [InlineData("0.0.0")]
    [InlineData("1.20.300")]
    [InlineData("1.0.0-alpha.1")]
    [InlineData("1.0.0-0A.is.legal")]
    [InlineData("1.0.0--+01")]
    [InlineData("1.0.0+build.7-x")]
    public void Semantic_versions_are_taken(string version) => Assert.True(SemVer.IsValid(version));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.0")]
    [InlineData("01.0.0")]
    [InlineData("1.0.0-01")]
    [InlineData("1.0.0-")]
    [InlineData("1.0.0+")]
    [InlineData("v1.0.0")]
    [InlineData("1.0.0\n")]
    [InlineData("１.0.0")]
    public void Other_versions_are_not(string? version) => Assert.False(SemVer.IsValid(version));

    [Fact]
    public void Versions_have_a_limit() => Assert.False(SemVer.IsValid("1.0.0-" + new string('a', SemVer.LengthMax)));

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", 12)]
    [InlineData("2026-01-31t12:00:00z", 12)]
    [InlineData("2026-01-31T12:00:00.123456789Z", null)]
    [InlineData("2026-01-31T12:00:00.1234567Z", 12)]
    [InlineData("2026-01-31T12:00:00+02:00", 10)]
    [InlineData("2026-01-31T12:00:00.5-05:00", 17)]
    [InlineData("2026-01-31T12:00:00", null)]
    [InlineData("2026-01-31 12:00:00Z", null)]
    [InlineData("2026-02-30T12:00:00Z", null)]
    [InlineData("2026-01-31", null)]
    [InlineData(null, null)]
    public void Times_are_those_of_RFC_3339(string? text, int? hour) =>
        Assert.Equal(hour, Rfc3339.TryParse(text, out var time) ? time.UtcDateTime.Hour : null);
}
